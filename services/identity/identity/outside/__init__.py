"""Logging in with outside OpenID providers: who they are, what they say, and whose account that is."""
