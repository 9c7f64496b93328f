"""The whole catalog as CSV, a line a variant, page by page."""

import csv
from collections.abc import AsyncIterator
from io import StringIO

from chassis.service import Service
from sqlalchemy import select

from catalog.bulk.cells import COLUMNS, cells
from catalog.tables import products
from catalog.views import products_by_ids

PAGE = 200
"""Products read at once."""


async def exported(service: Service) -> AsyncIterator[bytes]:
    """The heading, then the lines: products in the order of their ids, each page as it is when it is read."""
    yield _lines([list(COLUMNS)])
    last = ""
    while True:
        async with service.database.engine.connect() as sql:
            page = select(products.c.id).where(products.c.id > last).order_by(products.c.id).limit(PAGE)
            ids = list(await sql.scalars(page))
            found = await products_by_ids(sql, ids)
        if not ids:
            return
        last = ids[-1]
        currency = service.settings.shop_currency
        yield _lines([cells(shown, variant, currency) for shown in found for variant in shown.product.variants])


def _lines(rows: list[list[str]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
