from order.testing import LINES, NOW
from order.totals import Line, paid_for, quote


def test_a_quote_adds_the_lines_and_the_shipping() -> None:
    totals = quote(LINES, 20_000, "KES").totals
    assert (totals.subtotal, totals.shipping, totals.total) == (539_800, 20_000, 559_800)


def test_discount_tax_and_rounding_are_there_and_zero() -> None:
    totals = quote(LINES, 20_000, "KES").totals
    assert (totals.discount, totals.tax, totals.rounding) == (0, 0, 0)


def test_what_a_line_already_carries_is_counted() -> None:
    line = Line(sku="A", variant_id="a", name="A", quantity=3, unit_price=1_000, priced_at=NOW, discount=300, tax=432)
    totals = quote([line], 0, "KES").totals
    assert totals.total == paid_for(line, 3) == 3_000 - 300 + 432


def test_nothing_costs_its_shipping() -> None:
    assert quote([], 500, "KES").totals.total == 500
