"""Every small change of a module that its tests have to notice: its comparisons, its arithmetic, what it gives back.

A mutant is a syntax tree with one node exchanged. Its name says where and what, and no line number, so that a list of
known ones stays true while the file moves on.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

OTHER_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
}
OTHER_SUMS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Pow: ast.Mult,
}
OTHER_CALLS = {"min": "max", "max": "min", "all": "any", "any": "all"}
GONE = "nothing"

Change = tuple[Any, str]
"""What stands in a node's place, and what that is called."""


@dataclass(frozen=True)
class Mutant:
    """One change of ``module``. ``where`` is the function, ``before`` and ``after`` are what it does to the source."""

    module: str
    where: str
    before: str
    after: str
    holder: Any
    place: tuple[str, int | None]
    new: Any

    @property
    def name(self) -> str:
        """As it is listed."""
        return f"{self.where}: {self.before} -> {self.after}"

    @contextmanager
    def made(self) -> Iterator[None]:
        """The tree with the change, for as long as it lasts."""
        field, index = self.place
        old = getattr(self.holder, field)
        if index is None:
            setattr(self.holder, field, self.new)
        else:
            setattr(self.holder, field, [*old[:index], *([] if self.new is None else [self.new]), *old[index + 1 :]])
        yield
        setattr(self.holder, field, old)


def mutants(module: str, tree: ast.Module) -> list[Mutant]:
    """All of a module's. The same change twice in one function has a number."""
    found: list[Mutant] = []
    seen: Counter[str] = Counter()
    for where, holder, place, node in _places(tree, module):
        for new, after in _changes(holder, place[0], node):
            before = _said(node)
            seen[name := f"{where} {before} {after}"] += 1
            again = f" #{seen[name]}" if seen[name] > 1 else ""
            found.append(Mutant(module, where, before, after + again, holder, place, new))
    return found


def _places(node: ast.AST, where: str) -> Iterator[tuple[str, ast.AST, tuple[str, int | None], Any]]:
    """Every node of what is executed, with the place that holds it: no annotations, decorators or words for people."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        where = f"{where}.{node.name}"
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "args", "bases") and not isinstance(node, ast.Call):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr | ast.arguments):
                yield where, node, (field, index), child
                yield from _places(child, where)


def _changes(holder: ast.AST, field: str, node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare(left, ops, comparators):
            for index, op in enumerate(ops):
                for other in OTHER_COMPARISONS[type(op)]:
                    yield _expression(ast.Compare(left, [*ops[:index], other(), *ops[index + 1 :]], comparators))
        case ast.BoolOp(op, values):
            for rest, left_out in _without_one(values):
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest), left_out
        case ast.UnaryOp(ast.Not(), operand):
            yield _expression(operand)
        case ast.BinOp(left, op, right) if type(op) in OTHER_SUMS:
            yield _expression(ast.BinOp(left, OTHER_SUMS[type(op)](), right))
        case ast.Constant(bool() as value) if isinstance(holder, ast.keyword | ast.Call | ast.Return):
            yield _expression(ast.Constant(not value))
        case ast.List(elements):
            for rest, left_out in _without_one(elements):
                yield ast.List(rest, ast.Load()), left_out
        case ast.Set(elements):
            for rest, left_out in _without_one(elements):
                yield ast.Set([ast.Starred(ast.Tuple(rest, ast.Load()), ast.Load())]), left_out
        case ast.Call(ast.Name(name), arguments, keywords) if name in OTHER_CALLS:
            yield _expression(ast.Call(ast.Name(OTHER_CALLS[name], ast.Load()), arguments, keywords))
        case ast.Call(ast.Name("replace") as function, arguments, keywords):
            for some, left_out in _without_one(keywords):
                yield ast.Call(function, arguments, some), left_out
        case ast.Call(ast.Attribute(attr="tell") as function, arguments) if len(arguments) > 1:
            for rest, left_out in _without_one(arguments):
                yield ast.Call(function, rest, []), left_out
        case ast.Expr(ast.Call(ast.Name("assert_never"))):
            pass
        case ast.Expr(ast.Call()) | ast.AugAssign() | ast.Raise():
            yield ast.Pass(), GONE
        case ast.match_case(_, _, [ast.Expr(ast.Call(ast.Name("assert_never")))]):
            pass
        case ast.match_case(pattern, guard, body):
            if not (isinstance(pattern, ast.MatchAs) and pattern.pattern is None) or guard:
                yield None, GONE
            if guard:
                # Always true, not left out: Python takes no case that stands behind a bare `case _`.
                yield ast.match_case(pattern, ast.Constant(True), body), f"case {ast.unparse(pattern)}:"
        case ast.MatchOr(patterns):
            for some, left_out in _without_one(patterns):
                yield some[0] if len(some) == 1 else ast.MatchOr(some), left_out
    if field in ("test", "ifs") and isinstance(node, ast.Name | ast.Attribute | ast.Call):
        yield _expression(ast.UnaryOp(ast.Not(), node))


def _without_one(items: Sequence[Any]) -> Iterator[tuple[list[Any], str]]:
    for index, item in enumerate(items):
        yield [*items[:index], *items[index + 1 :]], f"without {_said(item)}"


def _expression(new: Any) -> Change:
    return new, _said(new)


def _said(node: ast.AST) -> str:
    if isinstance(node, ast.match_case):
        guard = f" if {ast.unparse(node.guard)}" if node.guard else ""
        return f"case {ast.unparse(node.pattern)}{guard}:"
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return text if len(text) <= 160 else f"{text[:110]} … {text[-45:]}"
