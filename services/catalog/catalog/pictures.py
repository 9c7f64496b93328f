"""Pictures that staff upload: looked into, turned upright, made small, and rid of what they say about who took them."""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS: Final = ("JPEG", "PNG", "WEBP")
SIZES: Final = {"thumbnail": 240, "medium": 720, "large": 1600}
"""Pixels of the longer side at most, by name."""
MOST_PIXELS: Final = 40_000_000
QUALITY: Final = 80


class NotAPicture(Exception):
    """Says why."""


@dataclass(frozen=True, slots=True)
class Renditions:
    """One picture as WebP in each size; ``width`` and ``height`` are those of the large one."""

    width: int
    height: int
    files: dict[str, bytes]


def renditions(data: bytes) -> Renditions:
    """What is shown of an upload. Raises NotAPicture. It takes a while: not for the event loop's thread.

    The size is known before anything is unpacked, so that a small file cannot become a huge picture. Only pixels go
    on: EXIF (place, time, camera), XMP, comments and colour profiles stay behind.
    """
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise NotAPicture(f"may have {MOST_PIXELS} pixels at most")
            picture.draft("RGB", (2 * SIZES["large"], 2 * SIZES["large"]))
            upright = ImageOps.exif_transpose(picture)
            shown = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise NotAPicture(f"may have {MOST_PIXELS} pixels at most") from None
    except UnidentifiedImageError:
        raise NotAPicture("must be a JPEG, PNG or WebP picture") from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as no:
        raise NotAPicture(f"cannot be read as a picture: {no}") from None
    files = dict[str, bytes]()
    for name, longest in sorted(SIZES.items(), key=lambda size: -size[1]):
        shown.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        if name == "large":
            width, height = shown.size
        files[name] = _webp(shown)
    return Renditions(width, height, files)


def _webp(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "WEBP", quality=QUALITY, method=4, exif=b"", xmp=b"", icc_profile=b"")
    return out.getvalue()
