"""Operation ids become the method names of generated clients: one style for all of them."""

import re

from surface import endpoints


def test_every_operation_id_is_in_snake_case() -> None:
    assert [each.operation_id for each in endpoints() if not re.fullmatch(r"[a-z]+(_[a-z]+)*", each.operation_id)] == []
