"""The cart over HTTP: customers and guests in ``public``, the shop's own services in ``internal``."""
