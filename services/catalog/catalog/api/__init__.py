"""HTTP to writes and reads, one file a resource."""

from catalog.api import categories, internal, products, variants

ROUTERS = (products.router, variants.router, categories.router, internal.router)
