"""Personal data on its way through a service's own facts: encrypted with the key of whom it is about."""

from dataclasses import dataclass, replace
from typing import Annotated, TypeVar, Union

from pydantic.json_schema import SkipJsonSchema

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sealed:
    """Something personal that deciders carry but cannot read.

    It is opened only when it leaves the pure part, into a command, a call or a view row; when the subject's key
    has been deleted it opens to ``erased``. ``path`` picks a part of what is inside.
    """

    subject: str
    box: str
    path: tuple[str, ...] = ()

    def pick(self, *names: str) -> "Sealed":
        """The part below ``names``, still sealed."""
        return replace(self, path=self.path + names)


Personal = Union[T, Annotated[Sealed, SkipJsonSchema()]]  # noqa: UP007 - a generic alias needs the long form
"""A field of a command that may hold a sealed value inside the sender; on the wire it is always a plain ``T``."""
