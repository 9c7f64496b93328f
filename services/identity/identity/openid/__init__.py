"""The OpenID provider that the shop is: its clients, what they may, and the pages on which people say yes."""
