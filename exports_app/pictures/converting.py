"""Pictures of users made into ones of ours, in a process of its own: `python -m … FOLDER SOURCE…`.

Each becomes `FOLDER/NAME.jpg` or `.png`, of the name of its source: upright, in sRGB, without metadata, of
bounded size. A line of JSON tells of each as soon as it is done. One that takes too long ends the process.
"""

import io
import json
import signal
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageOps

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
SIDES = (1600, 1120, 784, 548, 384)
"""Pixels of the longer side; the first at which the file is small enough."""
BYTES_AT_MOST = 600 * 1024
PIXELS_AT_MOST = 40_000_000
"""To be decoded: a JPEG is made smaller while it is read."""
CPU_SECONDS_AT_MOST = 10
_COLOURS_OF_A_DRAWING = 20_000
_PNG_BYTES_AT_MOST = 400 * 1024
_LOSSY = ("JPEG", "MPO", "AVIF")


class TooLarge(Exception):
    """The picture has more pixels than may be decoded, or cannot be made small enough."""


def main(folder: str, *sources: str) -> int:
    """Convert `sources` in order."""
    # What is too large is told here, not by a warning on the way.
    Image.MAX_IMAGE_PIXELS = None
    for source in map(Path, sources):
        signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS_AT_MOST)
        print(json.dumps({"name": source.name, **_told(source, Path(folder))}), flush=True)
    return 0


def _told(source: Path, folder: Path) -> dict[str, Any]:
    try:
        content, known = _converted(source)
    except (TooLarge, MemoryError):
        return {"problem": "large"}
    except FileNotFoundError:
        return {"problem": "gone"}
    except Exception:  # noqa: BLE001  # decoders of hostile bytes fail in many ways, and each means the same
        return {"problem": "broken"}
    try:
        (folder / source.name).with_suffix(known["suffix"]).write_bytes(content)
    except OSError as error:  # of the disk, not of the picture
        return {"errno": error.errno}
    return known


def _converted(source: Path) -> tuple[bytes, dict[str, Any]]:
    with Image.open(source, formats=FORMATS) as opened:
        opened.draft(None, (SIDES[0], SIDES[0]))
        if opened.width * opened.height > PIXELS_AT_MOST:
            raise TooLarge
        image, lossy = _small(opened), opened.format in _LOSSY
    plain = _plain(image)
    content, suffix = _encoded(plain, lossy=lossy)
    return content, {"suffix": suffix, "width": plain.width, "height": plain.height}


def _small(opened: Image.Image) -> Image.Image:
    """Return the first picture of a file, in colours that can be scaled, scaled down and upright."""
    image = _scalable(opened)
    image.thumbnail((SIDES[0], SIDES[0]), Image.Resampling.LANCZOS, reducing_gap=1.2)
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001  # what a camera notes about a picture may be nonsense
        return image


def _scalable(opened: Image.Image) -> Image.Image:
    opened.load()
    if opened.has_transparency_data:
        return opened if opened.mode == "RGBA" else opened.convert("RGBA")
    if opened.mode.startswith("I"):
        return opened.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return opened if opened.mode in ("L", "RGB", "CMYK") else opened.convert("RGB")


def _plain(image: Image.Image) -> Image.Image:
    """Return a picture in sRGB and nothing but its pixels."""
    mode = image.mode if image.mode in ("L", "RGBA") else "RGB"
    profile = image.info.get("icc_profile")
    if profile and image.mode != "L":
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, own, srgb, outputMode=mode) or image
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    image = image.convert("RGB" if _is_opaque(image) else mode)
    image.info = {}
    return image


def _is_opaque(image: Image.Image) -> bool:
    """Whether nothing shines through a picture that could be transparent."""
    return image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == 255


def _encoded(image: Image.Image, *, lossy: bool) -> tuple[bytes, str]:
    """Scale a picture down until it is small enough; return its bytes and the suffix that tells the format.

    What is transparent is PNG, and what is flat, as screenshots are.
    """
    transparent = image.mode == "RGBA"
    flat = not lossy and image.getcolors(_COLOURS_OF_A_DRAWING) is not None
    for side in SIDES:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        if transparent or flat:
            content = _saved(image, "PNG")
            if len(content) <= (BYTES_AT_MOST if transparent else _PNG_BYTES_AT_MOST):
                return content, ".png"
        if not transparent:
            content = _saved(image, "JPEG", quality=84, subsampling=2 if lossy else 0)
            if len(content) <= BYTES_AT_MOST:
                return content, ".jpg"
    raise TooLarge


def _saved(image: Image.Image, name: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
