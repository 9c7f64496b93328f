"""HTTP: what staff see and change, and what other services ask."""

from inventory.api.entries import router as entries
from inventory.api.internal import router as internal
from inventory.api.skus import router as skus

routers = (skus, entries, internal)
