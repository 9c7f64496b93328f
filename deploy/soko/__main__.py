"""``python -m soko``."""

from soko.cli import app

app()
