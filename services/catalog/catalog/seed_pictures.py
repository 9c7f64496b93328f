"""The demo's pictures: drawn, and kept as if staff had uploaded them."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from chassis.service import Service
from PIL import Image, ImageColor, ImageDraw

from catalog.demo_products import Sample
from catalog.domain import Product
from catalog.picture_files import pictures_of
from catalog.pictures import Renditions, rendered
from catalog.seed_shapes import LOOKS, PAINTS, Form
from catalog.seed_words import BRANDS

SIDE: Final = 360
FINE: Final = 2
"""Drawn so many times larger and made smaller, so that edges are smooth."""
EFFORT: Final = 0
"""Whoever starts a shop for the first time waits for this."""
WALLS: Final = ("#f1e9dc", "#e4ecec", "#efe3de", "#e8ebdd", "#e6e6ef", "#f3e8e8", "#ece8df")
SHADES: Final = {"own": 1.0, "dark": 0.78, "light": 1.18}

RGB = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture shows: the same look is the same picture."""

    good: str
    colour: str


def looks(sample: Sample) -> list[Look]:
    """Of each variant where they differ in colour, else of the product, in a colour that its brand has it in."""
    colours = [each.options["colour"] for each in sample.variants if "colour" in each.options]
    if not colours:
        sold_in = LOOKS[sample.good][1]
        colours = [sold_in[BRANDS.index(sample.brand) % len(sold_in)]]
    return [Look(sample.good, each) for each in colours]


class Drawn:
    """The pictures of one run of the seed: each is drawn and kept once."""

    def __init__(self) -> None:
        self._made: dict[Look, Renditions] = {}

    async def see_to(self, service: Service, samples: Iterable[Sample]) -> None:
        """Have the files of all that these products show. Raises Problem (503)."""
        new = sorted({look for each in samples for look in looks(each)} - self._made.keys(), key=repr)
        if not new:
            return
        made = await asyncio.gather(*(asyncio.to_thread(_drawn, look) for look in new))
        await pictures_of(service).keep(service, made)
        self._made.update(zip(new, made, strict=True))

    def rows(self, service: Service, sample: Sample, product: Product) -> list[dict[str, Any]]:
        """What ``images`` has of a product, but for its place and its times."""
        seen = looks(sample)
        variants = [each.id for each in product.variants] if len(seen) > 1 else [None]
        made = [self._made[look] for look in seen]
        return [
            {
                "id": service.world.ids(),
                "product_id": product.id,
                "variant_id": variant_id,
                "file": picture.name,
                "alt": f"{sample.name}, {look.colour.lower()}",
                "width": picture.width,
                "height": picture.height,
            }
            for look, picture, variant_id in zip(seen, made, variants, strict=True)
        ]


def _drawn(look: Look) -> Renditions:
    return rendered(draw(look), EFFORT)


def draw(look: Look) -> Image.Image:
    """One picture."""
    scale = SIDE * FINE / 100
    wall = ImageColor.getrgb(WALLS[list(LOOKS).index(look.good) % len(WALLS)])
    picture = Image.new("RGB", (SIDE * FINE, SIDE * FINE), wall)
    pen = ImageDraw.Draw(picture)
    pen.ellipse([each * scale for each in (12, 80, 88, 93)], _shade(wall, 0.9))
    own = ImageColor.getrgb(PAINTS[look.colour])
    for form in LOOKS[look.good][0]:
        shade = SHADES.get(form.paint)
        _put(pen, form, ImageColor.getrgb(PAINTS[form.paint]) if shade is None else _shade(own, shade), scale)
    return picture.reduce(FINE)


def _shade(colour: RGB, by: float) -> RGB:
    return tuple(min(255, round(each * by)) for each in colour)


def _put(pen: ImageDraw.ImageDraw, form: Form, paint: RGB, scale: float) -> None:
    at = [each * scale for each in form.at]
    match form.kind:
        case "oval":
            pen.ellipse(at, paint)
        case "box":
            pen.rounded_rectangle(at, form.size[0] * scale, paint)
        case "poly":
            pen.polygon(at, paint)
        case "pie":
            pen.pieslice(at, form.size[0], form.size[1], paint)
        case "arc":
            width, begin, end = form.size
            pen.arc(at, begin, end, paint, round(width * scale))
        case "line":
            width = form.size[0] * scale
            pen.line(at, paint, round(width), joint="curve")
            for x, y in (at[:2], at[-2:]):
                pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), paint)
