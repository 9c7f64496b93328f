"""HTTP: what staff see and change, and what other services ask."""

from inventory.api.entries import router as entries
from inventory.api.internal import router as internal
from inventory.api.ledger import router as ledger
from inventory.api.locations import router as locations
from inventory.api.skus import router as skus
from inventory.api.transfers import router as transfers

routers = (locations, transfers, ledger, skus, entries, internal)
