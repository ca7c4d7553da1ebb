"""Pictures as users upload them, of every format and fault, made by Pillow."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageDraw

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 160, 60), (40, 70, 210), (250, 250, 250)


def corners(width: int = 400, height: int = 300, mode: str = "RGB") -> Image.Image:
    """Return a picture whose corners, from the upper left on clockwise, are red, green, blue, white."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    middle = (width // 2, height // 2)
    draw.rectangle((0, 0, *middle), RED)
    draw.rectangle((middle[0], 0, width, middle[1]), GREEN)
    draw.rectangle((*middle, width, height), BLUE)
    return image.convert(mode)


def encoded(image: Image.Image, name: str, **options: Any) -> bytes:
    """Return the bytes of a picture in a format."""
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def seen_corners(image: Image.Image) -> list[str]:
    """Return the colours of the corners, as `corners` names them."""
    shown = image.convert("RGB")
    width, height = shown.size
    places = [(2, 2), (width - 3, 2), (width - 3, height - 3), (2, height - 3)]
    return [_nearest(shown.getpixel(place)) for place in places]


def _nearest(colour: Any) -> str:
    named = {"red": RED, "green": GREEN, "blue": BLUE, "white": WHITE}
    return min(
        named, key=lambda name: sum((a - b) ** 2 for a, b in zip(named[name], colour[:3], strict=True))
    )


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """Return a PNG of few bytes that says it has billions of pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
