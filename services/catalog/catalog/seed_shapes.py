"""What the demo's pictures show: for each kind of good a shape of a few forms, in the colours that it is sold in.

A picture is 100 wide and 100 high, its floor at 86. Forms are drawn one over the other. A form's paint is a colour's
name, or ``own`` for that of the product, ``dark`` and ``light`` for shades of it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

PAINTS: Final[Mapping[str, str]] = {
    "Black": "#34383c",
    "White": "#f4f1ea",
    "Red": "#c8473d",
    "Blue": "#3f6fa3",
    "Green": "#4f8a63",
    "Sand": "#d9bd8e",
    "Grey": "#8e979d",
    "Terracotta": "#c06a44",
    "Steel": "#b4bcc1",
    "Copper": "#bd7a52",
    "Wood": "#a97747",
    "Ochre": "#d79a35",
    "Plum": "#7d4a6d",
    "Pink": "#dd9a9a",
    "Straw": "#d8b46b",
    "Ink": "#2c3033",
    "Paper": "#fffaf0",
    "Glow": "#ffe7a3",
    "Sky": "#bcd9e6",
    "Leaf": "#6d9a5b",
}
KITCHEN: Final = ("Steel", "Black", "Terracotta")
LINEN: Final = ("White", "Sand", "Blue")
DEVICE: Final = ("Black", "White", "Blue")
CLOTH: Final = ("Red", "Blue", "Plum")
LEATHER: Final = ("Wood", "Black", "Sand")
TOOL: Final = ("Red", "Ochre", "Blue")
JAR: Final = ("White", "Green", "Pink")
CLAY: Final = ("Terracotta", "Sand", "Grey")
SPICE: Final = ("Terracotta", "Ochre", "Red")
BREW: Final = ("Wood", "Plum", "Green")
FRUIT: Final = ("Ochre", "Plum")
GRAIN: Final = ("Sand", "White")
OIL: Final = ("Straw", "Green")


class Form(NamedTuple):
    """``kind`` with its corners or points: x, y, x, y …; ``size`` is a width, a radius, or an arc's two angles."""

    kind: str
    paint: str
    at: tuple[float, ...]
    size: tuple[float, ...] = ()


def oval(paint: str, *at: float) -> Form:
    return Form("oval", paint, at)


def box(paint: str, *at: float, round_: float = 0) -> Form:
    return Form("box", paint, at, (round_,))


def poly(paint: str, *at: float) -> Form:
    return Form("poly", paint, at)


def line(paint: str, width: float, *at: float) -> Form:
    return Form("line", paint, at, (width,))


def arc(paint: str, width: float, begin: float, end: float, *at: float) -> Form:
    """Degrees from the right, by the clock."""
    return Form("arc", paint, at, (width, begin, end))


Shape = tuple[Form, ...]

KETTLE: Final = (
    arc("dark", 5, 180, 360, 30, 14, 70, 60),
    poly("own", 66, 50, 86, 38, 89, 43, 68, 66),
    poly("own", 30, 46, 70, 46, 76, 84, 24, 84),
    oval("light", 30, 40, 70, 52),
    oval("Ink", 46, 35, 54, 43),
    box("dark", 24, 80, 76, 86, round_=3),
)
GOOSENECK: Final = (
    line("own", 5, 64, 72, 78, 66, 76, 44, 88, 34),
    arc("Ink", 5, 90, 270, 14, 44, 42, 74),
    poly("own", 34, 46, 62, 46, 70, 84, 26, 84),
    box("dark", 36, 40, 60, 47, round_=3),
    oval("Ink", 44, 33, 52, 41),
)
PAN: Final = (
    line("Ink", 7, 62, 62, 94, 40),
    oval("dark", 8, 50, 70, 82),
    oval("own", 8, 46, 70, 78),
    oval("Ink", 14, 50, 64, 74),
)
POT: Final = (
    line("dark", 5, 14, 54, 86, 54),
    box("own", 22, 46, 78, 86, round_=8),
    box("light", 20, 42, 80, 50, round_=4),
    oval("Ink", 45, 33, 55, 43),
)
KNIFE: Final = (
    poly("Steel", 24, 60, 70, 22, 88, 14, 82, 30, 38, 72),
    poly("White", 38, 72, 82, 30, 84, 26, 34, 68),
    line("own", 10, 14, 82, 30, 66),
)
SHARPENER: Final = (
    box("own", 14, 58, 86, 84, round_=8),
    poly("Ink", 32, 58, 44, 58, 38, 70),
    poly("Ink", 56, 58, 68, 58, 62, 70),
    line("Steel", 3, 30, 24, 62, 66),
)
STORAGE: Final = (
    box("Sky", 28, 32, 72, 86, round_=7),
    box("own", 28, 52, 72, 86, round_=7),
    box("Wood", 26, 22, 74, 33, round_=4),
)
LUNCH: Final = (
    arc("dark", 4, 180, 360, 34, 30, 66, 62),
    box("own", 14, 44, 86, 86, round_=9),
    box("light", 14, 44, 86, 58, round_=7),
    box("Ink", 44, 54, 56, 64, round_=2),
)
BED: Final = (
    box("Wood", 10, 30, 90, 86, round_=5),
    box("Paper", 20, 38, 48, 54, round_=5),
    box("Paper", 52, 38, 80, 54, round_=5),
    box("own", 12, 52, 88, 84, round_=6),
    box("light", 12, 52, 88, 60, round_=4),
)
PILLOW: Final = (
    box("own", 14, 40, 86, 84, round_=18),
    line("dark", 1.5, 24, 52, 40, 58),
    line("dark", 1.5, 76, 72, 60, 66),
)
NECK: Final = (arc("own", 21, 120, 60, 20, 22, 80, 86), arc("light", 4, 150, 250, 27, 29, 73, 79))
LAMP: Final = (
    line("Ink", 4, 50, 50, 50, 82),
    oval("Ink", 32, 78, 68, 87),
    poly("own", 34, 18, 66, 18, 80, 54, 20, 54),
    oval("Glow", 20, 50, 80, 58),
)
READING: Final = (
    line("Ink", 4, 36, 80, 30, 52, 60, 28),
    oval("Ink", 18, 78, 56, 87),
    poly("own", 54, 20, 66, 20, 84, 44, 56, 50),
    poly("Glow", 56, 50, 84, 44, 88, 62, 52, 66),
)
LANTERN: Final = (
    arc("Ink", 3, 180, 360, 32, 10, 68, 50),
    box("own", 28, 28, 72, 38, round_=4),
    box("Glow", 33, 38, 67, 72),
    box("own", 28, 72, 72, 86, round_=4),
    line("Ink", 2, 44, 38, 44, 72),
    line("Ink", 2, 56, 38, 56, 72),
)
TOWEL: Final = (
    box("dark", 18, 66, 82, 84, round_=9),
    box("own", 18, 50, 82, 68, round_=9),
    box("light", 18, 34, 82, 52, round_=9),
    line("Paper", 2, 26, 39, 26, 47),
    line("Paper", 2, 31, 39, 31, 47),
)
CURTAIN: Final = (
    line("Ink", 3, 12, 20, 88, 20),
    box("own", 20, 20, 80, 84),
    *(box("dark", x, 20, x + 4, 84) for x in (28, 44, 60, 74)),
    *(oval("Paper", x, 16, x + 6, 24) for x in (22, 38, 54, 70)),
)
PUMP_BOTTLE: Final = (
    line("Ink", 4, 50, 40, 50, 22, 34, 22),
    box("Ink", 43, 34, 57, 44, round_=2),
    box("own", 30, 42, 70, 86, round_=10),
    box("Paper", 36, 56, 64, 74, round_=2),
)
PHONE: Final = (box("own", 30, 12, 70, 87, round_=7), box("Sky", 33, 17, 67, 82, round_=4), oval("Ink", 48, 19, 52, 23))
CASE: Final = (
    box("own", 30, 12, 70, 87, round_=8),
    box("dark", 34, 16, 50, 34, round_=4),
    oval("Ink", 36, 18, 42, 24),
    oval("Ink", 42, 26, 48, 32),
)
BANK: Final = (
    box("own", 32, 26, 68, 86, round_=6),
    *(oval("Leaf", 42 + x, 34, 45 + x, 37) for x in (0, 5, 10)),
    poly("light", 54, 44, 42, 62, 50, 62, 46, 76, 58, 57, 50, 57),
)
CHARGER: Final = (
    line("Ink", 3, 50, 84, 50, 92),
    box("own", 28, 40, 72, 86, round_=9),
    box("Steel", 38, 26, 43, 41),
    box("Steel", 57, 26, 62, 41),
    box("dark", 44, 70, 56, 76, round_=2),
)
HEADPHONES: Final = (
    arc("own", 7, 180, 360, 20, 18, 80, 84),
    box("dark", 14, 50, 32, 84, round_=8),
    box("dark", 68, 50, 86, 84, round_=8),
    box("light", 26, 52, 33, 82, round_=3),
    box("light", 67, 52, 74, 82, round_=3),
)
EARBUDS: Final = (
    *(oval("own", x, 30, x + 22, 52) for x in (20, 58)),
    *(line("own", 7, x, 44, x, 66) for x in (30, 70)),
    box("light", 26, 66, 74, 86, round_=9),
)
SPEAKER: Final = (
    box("own", 26, 20, 74, 86, round_=8),
    oval("Ink", 34, 46, 66, 78),
    oval("dark", 43, 55, 57, 69),
    oval("Ink", 44, 27, 56, 39),
)
SOUNDBAR: Final = (
    box("own", 6, 60, 94, 82, round_=7),
    *(oval("Ink", x, 65, x + 12, 77) for x in (12, 30, 58, 76)),
    box("Steel", 46, 68, 54, 73, round_=2),
)
LAPTOP: Final = (
    box("own", 20, 26, 80, 72, round_=4),
    box("Sky", 24, 30, 76, 68, round_=2),
    poly("light", 18, 72, 82, 72, 92, 84, 8, 84),
    box("dark", 42, 74, 58, 78, round_=1),
)
MOUSE: Final = (
    box("own", 34, 26, 66, 84, round_=16),
    line("dark", 1.5, 50, 27, 50, 52),
    box("Ink", 48, 34, 52, 46, round_=2),
)
KEYBOARD: Final = (
    box("own", 6, 48, 94, 84, round_=6),
    *(box("light", 11 + 11 * x, 53 + 10 * y, 19 + 11 * x, 60 + 10 * y, round_=1.5) for x in range(7) for y in (0, 1)),
    box("light", 30, 73, 70, 80, round_=1.5),
)
HUB: Final = (
    line("Ink", 4, 50, 52, 50, 22, 70, 16),
    box("own", 12, 50, 88, 78, round_=6),
    *(box("Ink", x, 60, x + 12, 68, round_=1) for x in (20, 38, 56)),
    oval("Leaf", 76, 62, 80, 66),
)
DRESS: Final = (
    poly("own", 36, 14, 44, 22, 56, 22, 64, 14, 70, 34, 61, 44, 80, 86, 20, 86, 39, 44, 30, 34),
    poly("dark", 39, 44, 61, 44, 63, 49, 37, 49),
)
MAXI: Final = (
    poly("own", 40, 12, 60, 12, 62, 40, 84, 88, 16, 88, 38, 40),
    poly("light", 25, 70, 75, 70, 78, 76, 22, 76),
    poly("Paper", 44, 12, 56, 12, 50, 24),
)
SANDALS: Final = (
    *(oval("Wood", x, 30, x + 30, 86) for x in (16, 54)),
    *(arc("own", 6, 180, 360, x + 1, 44, x + 29, 74) for x in (16, 54)),
    *(line("own", 4, x + 15, 34, x + 15, 46) for x in (16, 54)),
)
FLATS: Final = (
    *(oval("own", x, 28, x + 30, 86) for x in (16, 54)),
    *(oval("Sand", x + 6, 34, x + 24, 66) for x in (16, 54)),
    *(line("dark", 3, x + 11, 68, x + 19, 68) for x in (16, 54)),
)
TOTE: Final = (
    arc("dark", 4, 180, 360, 34, 14, 66, 66),
    poly("own", 22, 40, 78, 40, 84, 86, 16, 86),
    box("light", 38, 56, 62, 72, round_=3),
)
BASKET: Final = (
    arc("Wood", 4, 180, 360, 26, 14, 74, 78),
    poly("own", 20, 46, 80, 46, 72, 86, 28, 86),
    *(
        poly("dark", 21 + y, 52 + 12 * y, 79 - y, 52 + 12 * y, 78 - y, 57 + 12 * y, 22 + y, 57 + 12 * y)
        for y in (0, 1, 2)
    ),
    box("Wood", 18, 43, 82, 49, round_=3),
)
SHIRT: Final = (
    poly("own", 32, 20, 68, 20, 90, 62, 76, 68, 70, 50, 70, 86, 30, 86, 30, 50, 24, 68, 10, 62),
    poly("Paper", 40, 18, 60, 18, 50, 34),
    line("dark", 1.5, 50, 34, 50, 86),
    *(oval("Paper", 48.5, y, 51.5, y + 3) for y in (42, 54, 66)),
)
T_SHIRT: Final = (
    poly("own", 32, 22, 68, 22, 90, 42, 78, 54, 70, 48, 70, 86, 30, 86, 30, 48, 22, 54, 10, 42),
    oval("dark", 40, 16, 60, 30),
)
HOODIE: Final = (
    poly("own", 32, 26, 68, 26, 88, 68, 76, 74, 70, 54, 70, 86, 30, 86, 30, 54, 24, 74, 12, 68),
    oval("dark", 34, 12, 66, 38),
    oval("light", 41, 18, 59, 36),
    poly("dark", 38, 62, 62, 62, 68, 78, 32, 78),
)
PYJAMAS: Final = (
    poly("own", 34, 12, 66, 12, 82, 34, 72, 40, 68, 32, 68, 50, 32, 50, 32, 32, 28, 40, 18, 34),
    poly("light", 33, 54, 67, 54, 70, 87, 54, 87, 50, 66, 46, 87, 30, 87),
    *(oval("Glow", x, y, x + 4, y + 4) for x, y in ((40, 22), (54, 30), (44, 38), (38, 64), (58, 72))),
)
BOOT: Final = (
    poly("own", 30, 16, 56, 16, 58, 54, 84, 66, 86, 80, 30, 80),
    box("Ink", 28, 78, 88, 86, round_=3),
    *(line("Paper", 1.5, 50, y, 58, y + 2) for y in (32, 40, 48)),
)
RUNNING: Final = (
    poly("own", 12, 46, 30, 52, 46, 36, 62, 52, 86, 62, 90, 76, 12, 76),
    poly("light", 30, 76, 44, 54, 52, 58, 42, 76),
    box("Paper", 10, 74, 92, 85, round_=5),
)
WATCH: Final = (
    box("own", 40, 8, 60, 92, round_=4),
    oval("Steel", 26, 26, 74, 74),
    oval("Paper", 31, 31, 69, 69),
    line("Ink", 2.5, 50, 36, 50, 50, 60, 56),
)
DIGITAL: Final = (
    box("own", 38, 8, 62, 92, round_=4),
    box("Ink", 28, 30, 72, 70, round_=7),
    box("Leaf", 33, 38, 67, 62, round_=2),
    *(box("Ink", x, 43, x + 4, 57) for x in (38, 45, 54, 60)),
)
SCHOOL: Final = (
    arc("dark", 5, 180, 360, 38, 8, 62, 36),
    box("own", 22, 20, 78, 86, round_=14),
    box("dark", 30, 54, 70, 80, round_=6),
    line("light", 2, 34, 60, 66, 60),
    box("light", 32, 32, 68, 37, round_=2),
)
PENCILS: Final = (
    *(poly(paint, x, 22, x + 8, 22, x + 8, 60, x, 60) for paint, x in (("Ochre", 30), ("Red", 44), ("Blue", 58))),
    *(poly("Paper", x, 22, x + 8, 22, x + 4, 12) for x in (30, 44, 58)),
    box("own", 12, 50, 88, 84, round_=10),
    line("Steel", 2.5, 20, 58, 80, 58),
)
PACK: Final = (
    poly("own", 28, 22, 72, 22, 76, 86, 24, 86),
    box("dark", 28, 16, 72, 26, round_=2),
    box("Paper", 34, 42, 66, 70, round_=3),
    oval("own", 43, 48, 57, 64),
)
TIN: Final = (
    box("own", 30, 32, 70, 86, round_=4),
    box("dark", 28, 24, 72, 36, round_=4),
    poly("Leaf", 50, 46, 62, 56, 50, 76, 38, 56),
)
BOTTLE: Final = (
    box("Ink", 43, 10, 57, 20, round_=2),
    poly("own", 44, 20, 56, 20, 57, 34, 67, 46, 67, 86, 33, 86, 33, 46, 43, 34),
    box("Paper", 33, 54, 67, 74),
    oval("own", 44, 58, 56, 70),
)
SACK: Final = (
    poly("own", 30, 28, 70, 28, 82, 56, 76, 86, 24, 86, 18, 56),
    poly("own", 34, 14, 66, 14, 62, 28, 38, 28),
    line("Wood", 3, 34, 28, 66, 28),
    oval("Paper", 38, 46, 62, 70),
)
SPICES: Final = (
    box("Sky", 32, 36, 68, 86, round_=5),
    box("own", 32, 48, 68, 86, round_=5),
    box("Ink", 31, 24, 69, 37, round_=3),
    box("Paper", 36, 58, 64, 74),
)
DUMBBELLS: Final = (
    *(line("Steel", 5, 22, y, 78, y) for y in (48, 74)),
    *(box("own", x, y, x + 16, y + 22, round_=3) for x in (14, 70) for y in (37, 63)),
)
KETTLEBELL: Final = (
    arc("own", 8, 150, 390, 32, 14, 68, 54),
    oval("own", 22, 36, 78, 86),
    oval("light", 40, 52, 60, 72),
)
MAT: Final = (
    poly("own", 20, 64, 92, 64, 92, 82, 20, 82),
    oval("own", 8, 50, 40, 82),
    oval("dark", 13, 55, 35, 77),
    oval("own", 18, 60, 30, 72),
)
BLOCK: Final = (
    poly("light", 18, 48, 34, 36, 90, 36, 76, 48),
    poly("dark", 76, 48, 90, 36, 90, 72, 76, 86),
    box("own", 18, 48, 76, 86),
)
TENT: Final = (
    poly("dark", 50, 18, 92, 84, 62, 84),
    poly("own", 50, 18, 62, 84, 8, 84),
    poly("Ink", 42, 50, 52, 84, 28, 84),
    line("Wood", 2, 50, 18, 54, 12),
)
SLEEPING: Final = (
    box("own", 14, 40, 86, 84, round_=20),
    oval("dark", 10, 40, 44, 84),
    oval("light", 18, 50, 36, 74),
    *(line("Ink", 3, x, 41, x, 83) for x in (54, 70)),
)
HELMET: Final = (
    Form("pie", "own", (14, 24, 86, 100), (180, 360)),
    *(poly("Ink", x, 36, x + 5, 36, x + 7, 54, x + 1, 54) for x in (36, 48, 60)),
    box("dark", 12, 60, 88, 68, round_=4),
    line("Ink", 2, 24, 68, 46, 84, 74, 68),
)
AIR_PUMP: Final = (
    line("Ink", 7, 36, 16, 64, 16),
    line("Steel", 4, 50, 16, 50, 40),
    box("own", 43, 36, 57, 82, round_=3),
    box("Ink", 30, 80, 70, 86, round_=3),
    line("Ink", 2.5, 57, 76, 78, 66, 82, 40),
)
CREAM: Final = (
    box("Paper", 24, 54, 76, 86, round_=6),
    box("own", 24, 62, 76, 80),
    box("dark", 22, 38, 78, 56, round_=5),
)
DROPPER: Final = (
    oval("Ink", 44, 10, 56, 30),
    box("Ink", 41, 27, 59, 40, round_=2),
    box("own", 32, 40, 68, 86, round_=9),
    box("Paper", 38, 54, 62, 74, round_=2),
)
DRYER: Final = (
    poly("dark", 40, 50, 56, 50, 62, 86, 48, 86),
    oval("own", 20, 24, 64, 62),
    poly("own", 50, 28, 84, 34, 84, 52, 50, 58),
    box("Ink", 82, 31, 88, 55, round_=2),
    oval("light", 30, 33, 50, 53),
)
COMB: Final = (
    box("own", 10, 36, 90, 54, round_=7),
    *(poly("own", x, 50, x + 6, 50, x + 3, 82) for x in range(14, 84, 10)),
)
PLANTER: Final = (
    *(oval("Leaf", *at) for at in ((24, 14, 46, 50), (40, 8, 60, 48), (54, 14, 76, 50))),
    poly("own", 26, 50, 74, 50, 66, 86, 34, 86),
    box("dark", 22, 44, 78, 54, round_=3),
)
HANGING: Final = (
    line("Ink", 2, 50, 8, 22, 48),
    line("Ink", 2, 50, 8, 78, 48),
    *(
        oval("Leaf", *at)
        for at in ((20, 34, 44, 60), (38, 30, 62, 58), (56, 34, 80, 60), (18, 50, 32, 78), (70, 50, 82, 74))
    ),
    Form("pie", "own", (20, 20, 80, 82), (0, 180)),
)
PANGA: Final = (
    poly("Steel", 30, 62, 66, 18, 88, 14, 90, 30, 40, 72),
    line("own", 9, 14, 84, 34, 66),
)
CAN: Final = (
    arc("dark", 5, 150, 350, 26, 22, 74, 72),
    line("own", 6, 66, 74, 92, 42),
    oval("dark", 84, 34, 98, 46),
    poly("own", 26, 48, 68, 48, 72, 86, 22, 86),
    oval("light", 26, 44, 68, 53),
)
HOE: Final = (line("Wood", 5, 76, 88, 34, 18), poly("own", 38, 16, 30, 22, 10, 36, 22, 46, 42, 26))
HAMMER: Final = (
    line("own", 7, 50, 88, 50, 30),
    box("Steel", 24, 16, 64, 34, round_=3),
    poly("Steel", 62, 17, 84, 30, 80, 34, 62, 32),
)
DRIVERS: Final = (
    *(line("Steel", 3.5, x, 60, x, 86) for x in (26, 50, 74)),
    *(box(paint, x - 7, 22, x + 7, 60, round_=5) for paint, x in (("own", 26), ("dark", 50), ("own", 74))),
)
TAPE: Final = (
    box("Glow", 66, 76, 94, 84),
    box("own", 18, 28, 74, 86, round_=14),
    oval("Ink", 30, 40, 62, 72),
    oval("Paper", 37, 47, 55, 65),
)
DRILL: Final = (
    line("Steel", 3, 80, 36, 96, 36),
    poly("dark", 30, 50, 48, 50, 42, 76, 26, 76),
    box("own", 18, 22, 70, 52, round_=8),
    box("Ink", 68, 28, 82, 45, round_=3),
    box("Ink", 18, 74, 50, 87, round_=3),
)
GRINDER: Final = (
    box("own", 8, 46, 70, 66, round_=8),
    box("dark", 54, 40, 78, 68, round_=4),
    oval("Steel", 58, 58, 94, 84),
    oval("Ink", 72, 67, 80, 75),
    line("Ink", 5, 66, 40, 66, 20),
)

LOOKS: Final[Mapping[str, tuple[Shape, Sequence[str]]]] = {
    "Kettle": (KETTLE, KITCHEN),
    "Travel Kettle": (KETTLE, ("Green", "White")),
    "Gooseneck Kettle": (GOOSENECK, ("Copper", "Black")),
    "Frying Pan": (PAN, ("Grey", "Copper")),
    "Sufuria Set": (POT, ("Steel",)),
    "Cast Iron Pot": (POT, ("Black", "Red")),
    "Chef's Knife": (KNIFE, ("Black", "Wood")),
    "Bread Knife": (KNIFE, ("Wood", "Red")),
    "Knife Sharpener": (SHARPENER, ("Grey", "Red")),
    "Storage Jar": (STORAGE, ("Sand", "Terracotta")),
    "Lunch Box": (LUNCH, ()),
    "Duvet Cover": (BED, LINEN),
    "Fitted Sheet": (BED, ("Grey", "Pink")),
    "Pillow": (PILLOW, LINEN),
    "Travel Pillow": (NECK, ()),
    "Bedside Lamp": (LAMP, ("Sand", "Terracotta", "Blue")),
    "Reading Lamp": (READING, ("Black", "Green")),
    "Solar Lantern": (LANTERN, ("Ochre", "Green")),
    "Bath Towel": (TOWEL, ()),
    "Hand Towel": (TOWEL, ()),
    "Shower Curtain": (CURTAIN, ("Blue", "Pink")),
    "Soap Dispenser": (PUMP_BOTTLE, ("Grey", "Terracotta")),
    "Smartphone": (PHONE, DEVICE),
    "Phone Case": (CASE, ()),
    "Power Bank": (BANK, ("Black", "Blue")),
    "Fast Charger": (CHARGER, ("White", "Black")),
    "Headphones": (HEADPHONES, ()),
    "Earbuds": (EARBUDS, DEVICE),
    "Bluetooth Speaker": (SPEAKER, ("Blue", "Red", "Green")),
    "Soundbar": (SOUNDBAR, ("Grey",)),
    "Laptop": (LAPTOP, ("Grey", "Black")),
    "Wireless Mouse": (MOUSE, ("Grey", "Blue")),
    "Keyboard": (KEYBOARD, ("Grey", "Black")),
    "USB-C Hub": (HUB, ("Grey",)),
    "Wrap Dress": (DRESS, CLOTH),
    "Maxi Dress": (MAXI, ("Ochre", "Green", "Terracotta")),
    "Sandals": (SANDALS, ("Red", "Blue")),
    "Ballet Flats": (FLATS, ("Pink", "Black")),
    "Tote Bag": (TOTE, ()),
    "Kiondo Basket": (BASKET, ("Straw", "Terracotta", "Plum")),
    "Oxford Shirt": (SHIRT, ("White", "Blue")),
    "T-Shirt": (T_SHIRT, CLOTH),
    "Leather Boots": (BOOT, LEATHER),
    "Running Shoes": (RUNNING, CLOTH),
    "Field Watch": (WATCH, LEATHER),
    "Digital Watch": (DIGITAL, ("Grey", "Red")),
    "Hoodie": (HOODIE, ("Green", "Ochre")),
    "Pyjamas": (PYJAMAS, ("Blue", "Pink")),
    "School Bag": (SCHOOL, ()),
    "Pencil Case": (PENCILS, ("Green", "Plum")),
    "Ground Coffee": (PACK, ("Wood", "Black")),
    "Coffee Beans": (PACK, ("Terracotta", "Green")),
    "Black Tea": (TIN, ("Black", "Red")),
    "Purple Tea": (TIN, ("Plum",)),
    "Mango Juice": (BOTTLE, ("Ochre",)),
    "Passion Juice": (BOTTLE, ("Plum",)),
    "Basmati Rice": (SACK, ("White",)),
    "Millet Flour": (SACK, ("Sand",)),
    "Sunflower Oil": (BOTTLE, ("Straw",)),
    "Olive Oil": (BOTTLE, ("Green",)),
    "Pilau Masala": (SPICES, ("Wood",)),
    "Turmeric": (SPICES, ("Ochre",)),
    "Chilli Flakes": (SPICES, ("Red",)),
    "Dumbbell Pair": (DUMBBELLS, ("Black", "Blue")),
    "Kettlebell": (KETTLEBELL, ("Black", "Red")),
    "Yoga Mat": (MAT, ()),
    "Yoga Block": (BLOCK, ("Plum", "Sand")),
    "Two-Person Tent": (TENT, ("Green", "Ochre")),
    "Sleeping Bag": (SLEEPING, ("Blue", "Red")),
    "Cycling Helmet": (HELMET, ()),
    "Bicycle Pump": (AIR_PUMP, ("Red", "Grey")),
    "Face Cream": (CREAM, ("Pink", "White")),
    "Face Serum": (DROPPER, ("Copper", "Green")),
    "Shea Butter": (CREAM, ("Sand",)),
    "Body Lotion": (PUMP_BOTTLE, ("Pink", "White")),
    "Shampoo": (PUMP_BOTTLE, ("Green", "Blue")),
    "Hair Oil": (DROPPER, ("Straw",)),
    "Hair Dryer": (DRYER, ("Plum", "Black")),
    "Wide-Tooth Comb": (COMB, ("Wood", "Pink")),
    "Clay Planter": (PLANTER, CLAY),
    "Hanging Basket": (HANGING, ("Straw", "Terracotta")),
    "Panga": (PANGA, ("Wood", "Black")),
    "Watering Can": (CAN, ("Green", "Blue", "Red")),
    "Hoe": (HOE, ("Grey",)),
    "Hammer": (HAMMER, ("Wood", "Red")),
    "Screwdriver Set": (DRIVERS, TOOL),
    "Tape Measure": (TAPE, TOOL),
    "Cordless Drill": (DRILL, TOOL),
    "Angle Grinder": (GRINDER, ("Green", "Ochre")),
}
"""By a good's name; without colours where its variants say which."""
