"""What is made of an upload: whatever it is, three small upright WebP of its pixels alone, or a reason why not."""

import random
import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from catalog.pictures import MOST_PIXELS, MOST_SCANS, SIZES, NotAPicture, renditions
from PIL import Image, ImageCms

Pixel = tuple[int, ...]


def saved(picture: Image.Image, kind: str = "PNG", **more: Any) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **more)
    return out.getvalue()


def plain(kind: str = "JPEG", size: tuple[int, int] = (400, 300), colour: str = "red", **more: Any) -> bytes:
    return saved(Image.new("RGB", size, colour), kind, **more)


def shown(data: bytes, size: str = "large") -> Image.Image:
    picture = Image.open(BytesIO(renditions(data).files[size]))
    assert picture.format == "WEBP"
    return picture


def pixel(picture: Image.Image, at: tuple[int, int]) -> Pixel:
    found = picture.convert("RGBA").getpixel(at)
    assert isinstance(found, tuple)
    return found


def near(found: Pixel, wanted: Pixel, by: int = 12) -> bool:
    return all(abs(one - other) <= by for one, other in zip(found, wanted, strict=False))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(size: int) -> bytes:
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    """A small PNG with a comment of 100 MB, packed."""
    whole, comment = plain("PNG"), chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 100_000_000))
    return whole[:33] + comment + whole[33:]


def scans() -> bytes:
    """A progressive JPEG whose last scan comes a thousand times: 20 bytes of the file each, and a whole pass."""
    data = plain(progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * 1000 + data[-2:]


def moving(kind: str) -> bytes:
    frames = [Image.new("RGB", (20, 20), each) for each in ("red", "blue")]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "must be a JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "must be a JPEG"),
        (plain("GIF"), "must be a JPEG"),
        (plain("TIFF"), "must be a JPEG"),
        (plain()[:500], "broken or cut off"),
        (plain("PNG")[:-30], "broken or cut off"),
        (plain("WEBP")[:-30], "broken or cut off|must be a JPEG"),
        (bomb(5001), f"{MOST_PIXELS['PNG']} pixels"),
        (bomb(60_000), f"{MOST_PIXELS['PNG']} pixels"),
        (saved(Image.new("1", (4001, 4000)).convert("L"), "WEBP"), f"{MOST_PIXELS['WEBP']} pixels"),
        (text_bomb(), "broken or cut off"),
        (scans(), f"{MOST_SCANS} scans"),
        (moving("PNG"), "must stand still"),
        (moving("WEBP"), "must stand still"),
    ],
    ids=[
        *("nothing", "svg", "gif", "tiff", "cut jpeg", "cut png", "cut webp"),
        *("bomb", "huge bomb", "large webp", "text bomb", "scans", "apng", "moving webp"),
    ],
)
def test_what_is_no_picture_or_too_much_of_one_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(NotAPicture, match=why):
        renditions(data)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_upright(kind: str, orientation: int) -> None:
    """What is seen upright has red above left and blue above right; the file has it as the camera was held."""
    upright = Image.new("RGB", (320, 160), "white")
    upright.paste("red", (0, 0, 160, 80))
    upright.paste("blue", (160, 0, 320, 80))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    held = upright.transpose(Image.Transpose(back[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation

    made = shown(saved(held, kind, exif=exif))

    assert made.size == (320, 160)
    assert near(pixel(made, (80, 40)), (255, 0, 0), 30)
    assert near(pixel(made, (240, 40)), (0, 0, 255), 30)


def test_nothing_goes_on_but_pixels() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret place"
    exif.get_ifd(0x8825)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = plain(exif=exif, comment=b"a secret word", xmp=b"<x>secret</x>", icc_profile=profile)

    made = renditions(data + b"PK\x03\x04<script>secret</script>")

    for file in made.files.values():
        assert b"secret" not in file
        assert not {b"EXIF", b"XMP ", b"ICCP"} & {file[at : at + 4] for at in range(len(file))}


def test_broken_exif_does_not_spoil_a_picture() -> None:
    assert shown(plain(exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + bytes(range(200)))).size == (400, 300)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_every_way_to_write_grey_is_shown_as_that_grey(mode: str) -> None:
    grey = Image.new("L", (50, 50), 128)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    if mode == "1":
        data, wanted = saved(Image.new("1", (50, 50), 1)), 255
    elif mode == "I;16":
        data, wanted = saved(Image.new("I;16", (50, 50), 128 * 257)), 128
    else:
        data, wanted = saved(grey.convert("RGB").convert(mode) if mode == "CMYK" else grey.convert(mode), kind), 128

    assert near(pixel(shown(data), (25, 25)), (wanted,) * 3 + (255,))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB with a colour that is none"])
def test_transparency_stays(mode: str) -> None:
    clear = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
    if mode.startswith("RGB "):
        data = saved(Image.new("RGB", (10, 10), (1, 2, 3)), transparency=(1, 2, 3))
    elif mode == "P":
        data = saved(Image.new("P", (10, 10), 0), transparency=0)
    else:
        data = saved(clear.convert(mode))

    assert pixel(shown(data, "thumbnail"), (5, 5))[3] == 0


def test_colours_of_another_space_are_shown_as_they_are_meant() -> None:
    """A profile with red and green changed over, so that nobody can be right by chance."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"

    assert near(pixel(shown(plain("PNG", icc_profile=bytes(profile))), (9, 9)), (0, 255, 0), 30)
    assert near(pixel(shown(plain("PNG", icc_profile=b"nonsense")), (9, 9)), (255, 0, 0), 30)
    grey = saved(Image.new("L", (20, 20), 128), icc_profile=bytes(profile))
    assert near(pixel(shown(grey), (9, 9)), (128, 128, 128))


def test_a_camera_s_second_picture_is_left_out() -> None:
    first, second = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (20, 15), "blue")

    made = shown(saved(first, "MPO", save_all=True, append_images=[second]))

    assert (made.size, near(pixel(made, (20, 15)), (255, 0, 0), 30)) == ((40, 30), True)


def test_a_large_picture_is_made_small_and_a_small_one_not_large() -> None:
    large, thin, small = (renditions(plain("PNG", size)) for size in ((4999, 4999), (20_000, 3), (30, 20)))

    for name, longest in SIZES.items():
        assert Image.open(BytesIO(large.files[name])).size == (longest, longest)
    assert (thin.width, thin.height) == (1600, 1)
    assert (small.width, small.height) == (30, 20)
    assert len(set(small.files.values())) == 1


def test_the_same_pixels_have_the_same_name_and_others_another() -> None:
    same, again, other = (renditions(plain("PNG", colour=each)) for each in ("red", "red", "blue"))

    assert same == again
    assert same.name != other.name


def test_bytes_that_somebody_made_up_are_a_picture_or_a_reason_and_nothing_else() -> None:
    chance, outcomes = random.Random(1), set[bool]()
    for kind in ("JPEG", "PNG", "WEBP"):
        exif = Image.Exif()
        exif[0x0112] = 6
        whole = saved(Image.effect_noise((64, 48), 60).convert("RGB"), kind, exif=exif)
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(chance.randint(1, 12)):
                data[chance.randrange(len(data) if chance.random() < 0.5 else 200)] = chance.randrange(256)
            try:
                outcomes.add(bool(renditions(bytes(data)).files))
            except NotAPicture:
                outcomes.add(False)
    assert outcomes == {True, False}
