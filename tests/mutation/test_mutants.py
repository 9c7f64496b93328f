"""The changes that are made, and the run of all of them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation.mutants import mutants

ROOT = Path(__file__).parents[2]

SOURCE = '''
def give_back(order, amount):
    """Words are left alone: 1 < 2."""
    if order.paid and 0 < amount <= order.left:
        return [Refund(amount), Tell(order)]
    raise Refused(f"{amount + 1}")


def kind(event):
    match event:
        case Paid() | Promised() if event.whole:
            return "money"
        case _ if event.late:
            return "late"
        case _:
            assert_never(event)
'''


def test_each_comparison_and_each_effect_is_changed_and_nothing_else() -> None:
    assert [mutant.name for mutant in mutants("shop", ast.parse(SOURCE))] == [
        "shop.give_back: order.paid and 0 < amount <= order.left -> without order.paid",
        "shop.give_back: order.paid and 0 < amount <= order.left -> without 0 < amount <= order.left",
        "shop.give_back: 0 < amount <= order.left -> 0 <= amount <= order.left",
        "shop.give_back: 0 < amount <= order.left -> 0 >= amount <= order.left",
        "shop.give_back: 0 < amount <= order.left -> 0 < amount < order.left",
        "shop.give_back: 0 < amount <= order.left -> 0 < amount > order.left",
        "shop.give_back: [Refund(amount), Tell(order)] -> without Refund(amount)",
        "shop.give_back: [Refund(amount), Tell(order)] -> without Tell(order)",
        "shop.give_back: raise Refused(f'{amount + 1}') -> nothing",
        "shop.kind: case Paid() | Promised() if event.whole: -> nothing",
        "shop.kind: case Paid() | Promised() if event.whole: -> case Paid() | Promised():",
        "shop.kind: Paid() | Promised() -> without Paid()",
        "shop.kind: Paid() | Promised() -> without Promised()",
        "shop.kind: case _ if event.late: -> nothing",
        "shop.kind: case _ if event.late: -> case _:",
    ]


def test_a_change_lasts_as_long_as_it_is_tried() -> None:
    tree = ast.parse(SOURCE)
    before = ast.unparse(tree)
    for mutant in mutants("shop", tree):
        with mutant.made():
            assert ast.unparse(tree) != before
            compile(ast.fix_missing_locations(tree), "shop", "exec")
        assert ast.unparse(tree) == before


@pytest.mark.long
@pytest.mark.parametrize("service", ["order", "payment", "inventory"])
def test_every_change_of_the_rules_is_noticed_or_explained(service: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.mutation", service], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
