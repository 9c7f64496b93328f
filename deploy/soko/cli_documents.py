"""Commands that write the API documents."""

from pathlib import Path
from typing import Annotated

import typer

from soko.plainly import plainly
from soko.progress import console

Output = Annotated[Path | None, typer.Option("--output", "-o", help="Another file than the one the gateway serves.")]
Check = Annotated[bool, typer.Option("--check", help="Only say whether the file is what the code says.")]


def add_to(app: typer.Typer) -> None:
    app.command()(openapi)
    app.command()(asyncapi)


def openapi(output: Output = None, check: Check = False) -> None:
    """Write the OpenAPI document of all services."""
    _write("openapi", output, check=check)


def asyncapi(output: Output = None, check: Check = False) -> None:
    """Write the AsyncAPI document of all events and commands."""
    _write("asyncapi", output, check=check)


def _write(name: str, output: Path | None, *, check: bool) -> None:
    from soko import documents

    with plainly():
        kept, make = documents.FILES[name]
        file, document = output or kept, make()
        if check:
            documents.compare(file, document, f"soko {name}")
        changed = not check and documents.write(file, document)
        console.print(f"{file} {'is written' if changed else 'is what the code says'}.", soft_wrap=True)
