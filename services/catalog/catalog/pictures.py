"""Pictures that staff upload: looked into, turned upright, made small, and rid of what they say about who took them."""

from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from typing import Any, Final

from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

MOST_PIXELS: Final = {"JPEG": 25_000_000, "PNG": 25_000_000, "WEBP": 16_000_000}
"""By what is read. Unpacked, each then takes 250 MB for a moment at most: a WebP needs three times its own size."""
SIZES: Final = {"thumbnail": 240, "medium": 720, "large": 1600}
"""Pixels of the longer side at most, by name."""
LARGE: Final = SIZES["large"]
MOST_SCANS: Final = 100
"""Of a JPEG: a progressive one has ten or so, each costs a pass over the whole picture and a few bytes of the file."""
QUALITY: Final = 80
BAND: Final = 256
"""Lines that are made small at a time: only what was decoded is ever in memory as a whole."""

TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What an EXIF orientation asks for."""
SRGB: Final = ImageCms.createProfile("sRGB")


class NotAPicture(Exception):
    """Says why."""


@dataclass(frozen=True, slots=True)
class Renditions:
    """One picture as WebP in each size; ``width`` and ``height`` are those of the large one.

    ``name`` is a hash of the files: the same name is the same bytes.
    """

    name: str
    width: int
    height: int
    files: dict[str, bytes]


def renditions(data: bytes) -> Renditions:
    """What is shown of an upload. Raises NotAPicture. It takes a while: not for the event loop's thread.

    The size is known before anything is unpacked, so that a small file cannot become a huge picture. Only pixels go
    on, in the colours of a screen: EXIF (place, time, camera), XMP, comments, colour profiles and whatever else the
    file has inside or behind it stay behind.
    """
    try:
        with Image.open(BytesIO(data), formats=tuple(MOST_PIXELS)) as picture:
            _refuse(picture, data)
            picture.draft("RGB", (2 * LARGE, 2 * LARGE))
            picture.load()
            turn, profile = TURNS.get(_orientation(picture)), picture.info.get("icc_profile")
            shown = _small(picture)
        shown = _in_srgb(shown if turn is None else shown.transpose(turn), profile)
    except NotAPicture:
        raise
    except Image.DecompressionBombError:
        raise NotAPicture(f"may have {max(MOST_PIXELS.values())} pixels at most") from None
    except UnidentifiedImageError:
        raise NotAPicture("must be a JPEG, PNG or WebP picture") from None
    except Exception:
        # What decoders raise on bytes that somebody made up has no end: struct.error, KeyError, ZeroDivisionError.
        raise NotAPicture("cannot be decoded: it is broken or cut off") from None
    return rendered(shown)


def rendered(shown: Image.Image, effort: int = 4) -> Renditions:
    """A picture (RGB or RGBA, and changed by this) in each size; one that is small anyway is not made larger.

    ``effort``: 0 is fast, 6 makes the smallest files.
    """
    files, size, width, height = dict[str, bytes](), (0, 0), 0, 0
    data = b""
    for name, longest in sorted(SIZES.items(), key=lambda each: -each[1]):
        shown.thumbnail((longest, longest), Image.Resampling.LANCZOS)
        if name == "large":
            width, height = shown.size
        if shown.size != size:
            size, data = shown.size, _webp(shown, effort)
        files[name] = data
    name = blake2b(b"".join(files[each] for each in SIZES), digest_size=20).hexdigest()
    return Renditions(name, width, height, files)


def _refuse(picture: Image.Image, data: bytes) -> None:
    """By what is known before anything is unpacked."""
    # Cameras put a second, smaller picture behind the first, which Pillow calls MPO: it is a JPEG all the same.
    kind = "JPEG" if picture.format in ("JPEG", "MPO") else str(picture.format)
    if picture.width * picture.height > MOST_PIXELS[kind]:
        raise NotAPicture(f"may have {MOST_PIXELS[kind]} pixels at most")
    if kind != "JPEG" and getattr(picture, "is_animated", False):
        raise NotAPicture("must stand still")
    # In a JPEG's own data no FF is followed by DA: what is counted are the beginnings of scans.
    if kind == "JPEG" and data.count(b"\xff\xda") > MOST_SCANS:
        raise NotAPicture(f"may have {MOST_SCANS} scans at most")


def _orientation(picture: Image.Image) -> Any:
    try:
        return picture.getexif().get(ExifTags.Base.Orientation)
    except Exception:
        # Broken EXIF is common, and the picture all right.
        return None


def _small(picture: Image.Image) -> Image.Image:
    """The picture in a mode that can be scaled, by a whole number smaller where it is very large."""
    factor = max(1, max(picture.size) // (LARGE + LARGE // 2))
    size = -(-picture.width // factor), -(-picture.height // factor)
    small: Image.Image | None = None
    for top in range(0, picture.height, BAND * factor):
        band = _plain(picture.crop((0, top, picture.width, min(picture.height, top + BAND * factor))))
        small = small or Image.new(band.mode, size)
        small.paste(band.reduce(factor), (0, top // factor))
    assert small is not None
    return small


def _plain(part: Image.Image) -> Image.Image:
    if part.mode.startswith("I"):
        # 16 bits of grey: a plain conversion would cut them off above 255.
        return part.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    if part.has_transparency_data:
        return part.convert("RGBA")
    return part if part.mode in ("L", "RGB", "CMYK") else part.convert("RGB")


def _in_srgb(shown: Image.Image, profile: bytes | None) -> Image.Image:
    """In the colours that a file without a profile has: a photo in wider ones would look pale without its own."""
    mode = "RGBA" if shown.mode == "RGBA" else "RGB"
    if profile:
        try:
            given = ImageCms.ImageCmsProfile(BytesIO(profile))
            made = ImageCms.profileToProfile(shown, given, SRGB, outputMode=mode)
        except (ImageCms.PyCMSError, OSError, ValueError):
            # A profile that is broken, or for another kind of picture.
            return shown.convert(mode)
        assert made is not None
        return made
    return shown.convert(mode)


def _webp(picture: Image.Image, effort: int) -> bytes:
    out = BytesIO()
    picture.save(out, "WEBP", quality=QUALITY, method=effort, exif=b"", xmp=b"", icc_profile=b"")
    return out.getvalue()
