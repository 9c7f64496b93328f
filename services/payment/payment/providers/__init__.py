"""Those who move money: one port, an adapter for each."""
