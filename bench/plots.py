"""Bars as SVG, for the page of results."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

COLOURS = ("#2f6f9f", "#d98032", "#5b9a5b", "#8a6bb0")
WIDTH, BAR, GAP, LEFT, RIGHT, TOP = 720, 18, 14, 190, 90, 62
FONT = 'font-family="sans-serif" font-size="12"'


def bars(title: str, unit: str, groups: Mapping[str, Sequence[float | None]], series: Sequence[str]) -> str:
    """Horizontal bars: a group of ``series`` for each name in ``groups``; None leaves a bar out."""
    most = max((value for values in groups.values() for value in values if value is not None), default=0) or 1
    scale = (WIDTH - LEFT - RIGHT) / most
    body, y = list[str](), TOP
    for name, values in groups.items():
        middle = y + BAR * len(values) / 2 + 4
        body.append(f'<text x="{LEFT - 8}" y="{middle:.0f}" text-anchor="end">{escape(name)}</text>')
        for number, value in enumerate(values):
            if value is not None:
                width = max(1.0, value * scale)
                colour = COLOURS[number % len(COLOURS)]
                body.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 3}" fill="{colour}"/>')
                label = f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
                body.append(f'<text x="{LEFT + width + 5:.1f}" y="{y + 12}">{label}</text>')
            y += BAR
        y += GAP
    legend, x = list[str](), LEFT
    for number, name in enumerate(series if len(series) > 1 else ()):
        legend.append(f'<rect x="{x}" y="34" width="12" height="12" fill="{COLOURS[number % len(COLOURS)]}"/>')
        legend.append(f'<text x="{x + 17}" y="44">{escape(name)}</text>')
        x += 40 + 7 * len(name)
    heading = f'<text x="8" y="20" font-size="15">{escape(title)} ({escape(unit)})</text>'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" {FONT}>',
            f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>',
            heading,
            *legend,
            *body,
            "</svg>\n",
        ]
    )
