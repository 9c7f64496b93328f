"""HTTP to writes and reads, one file a resource."""

from catalog.api import categories, discounts, internal, lists, products, variants

ROUTERS = (lists.router, products.router, variants.router, categories.router, discounts.router, internal.router)
