"""Pictures in exports: of every format, safe, once, within limits; other files by name and size."""

import base64
import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image
from pypdf import PdfReader

from agents_app.context import ToolError
from agents_app.files import removal, storage
from agents_app.models import Pool, StoredFile, Subagent
from exports_app.pictures import gallery
from exports_app.typesetting import pdf
from sessions_app.models import ChatSession
from tests.exports.pictures import bomb, corners, encoded, seen_corners
from tests.files.conftest import uploaded
from tests.recording import RecordingContext

Say = Callable[..., None]
Written = Callable[..., Path]
UPRIGHT = ["red", "green", "blue", "white"]
IMAGE = re.compile(
    r'<img alt="([^"]*)" width="(\d+)" height="(\d+)"[^>]* src="data:(image/\w+);base64,([^"]+)">'
)


def _images(page: Path) -> list[tuple[str, Image.Image]]:
    """Return the pictures of a page as they are shown there, by their alternative text."""
    found: list[tuple[str, Image.Image]] = []
    for alt, width, height, kind, content in IMAGE.findall(page.read_text(encoding="utf-8")):
        image = Image.open(io.BytesIO(base64.b64decode(content)))
        assert image.size == (int(width), int(height))
        assert f"image/{str(image.format).lower()}" == kind
        found.append((alt, image))
    return found


def _words(page: Path) -> str:
    text = re.sub(r"<style>.*</style>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def _pdf_words(path: Path) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(path).pages).split())


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *((name, "RGB") for name in ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "AVIF")),
        *(("PNG", mode) for mode in ("RGBA", "P", "L", "1", "LA", "I;16")),
        ("GIF", "P"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("TIFF", "CMYK"),
    ],
)
def test_a_picture_of_every_format_is_in_the_page(
    say: Say, written: Written, upload: Callable[..., str], name: str, mode: str
) -> None:
    image = corners(mode="L").convert("I").point(lambda value: value * 257) if mode == "I;16" else corners()
    say(f"See\n\n{upload(encoded(image.convert(mode), name), 'named as.txt')}")
    ((alt, shown),) = _images(written("html"))
    assert (alt, shown.size) == ("named as.txt", (400, 300))
    grey = mode in ("1", "L", "LA", "I;16")
    assert seen_corners(shown) == (seen_corners(image.convert("L")) if mode == "I;16" else UPRIGHT) or grey
    if mode in ("L", "I;16"):
        greys = [shown.convert("L").getpixel(place) for place in ((2, 2), (397, 2), (397, 297), (2, 297))]
        expected = [corners(mode="L").getpixel(place) for place in ((2, 2), (397, 2), (397, 297), (2, 297))]
        assert all(abs(a - b) < 4 for a, b in zip(greys, expected, strict=True))  # type: ignore[operator]


def test_pictures_are_in_the_pdf_with_their_names(
    say: Say, written: Written, upload: Callable[..., str]
) -> None:
    jpeg, png = encoded(corners(3000, 1000), "JPEG"), encoded(corners(64, 64), "PNG")
    say(f"A {upload(jpeg, 'wide *one*.jpg')}\n\nB {upload(png, 'small.png')}")
    reader = PdfReader(written("pdf"))
    sizes = [image.image.size for page in reader.pages for image in page.images if image.image]
    assert sizes == [(1600, 533), (64, 64)]
    words = _pdf_words(written("pdf"))
    assert "wide *one*.jpg" in words
    assert "small.png" in words


@pytest.mark.parametrize("size", [(3000, 400), (400, 6000), (1600, 1600), (20, 30)])
@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_a_picture_of_any_shape_is_whole_on_one_page_with_its_caption(
    say: Say, written: Written, upload: Callable[..., str], size: tuple[int, int], paper: str
) -> None:
    say("line\n\n" * 12 + upload(encoded(corners(*size), "PNG"), "shape.png"))
    pages = PdfReader(written("pdf", page_size=paper)).pages
    (page,) = [page for page in pages if page.images]
    assert "shape.png" in page.extract_text()
    places: list[list[float]] = []

    def visit(operator: bytes, _arguments: Any, matrix: Any, _text: Any) -> None:
        if operator == b"Do":
            places.append([float(part) for part in matrix])

    page.extract_text(visitor_operand_before=visit)
    ((width, _, _, height, left, bottom),) = places
    top, bottom = max(bottom, bottom + height), min(bottom, bottom + height)
    assert left > 50
    assert left + abs(width) <= float(page.mediabox.width) - 50
    assert 60 < bottom < top < float(page.mediabox.height) - 60
    assert abs(abs(width / height) - size[0] / size[1]) < 0.05 * size[0] / size[1]
    if size == (20, 30):
        assert abs(abs(width) - 15) < 0.1


def test_a_turned_picture_is_upright_and_says_nothing_of_its_camera(
    say: Say, written: Written, upload: Callable[..., str]
) -> None:
    notes = Image.Exif()
    notes[0x0112] = 6
    notes[0x010F] = "Secret Camera"
    notes.get_ifd(0x8825)[1] = "N"
    notes.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    content = encoded(corners(), "JPEG", exif=notes, comment=b"Secret words")
    assert b"Secret" in content
    say(upload(content))
    ((_alt, shown),) = _images(written("html"))
    assert shown.size == (300, 400)
    assert seen_corners(shown) == ["white", "red", "green", "blue"]
    assert dict(shown.getexif()) == {}
    assert b"Secret" not in b"".join(
        map(base64.b64decode, re.findall('base64,([^"]+)', written("html").read_text()))
    )
    assert b"Secret" not in written("pdf").read_bytes()


def test_a_large_picture_is_scaled_down_and_what_is_transparent_stays_so(
    say: Say, written: Written, upload: Callable[..., str]
) -> None:
    clear = Image.new("RGBA", (2400, 1200), (0, 0, 0, 0))
    clear.paste((10, 20, 30, 255), (0, 0, 1200, 1200))
    noise = Image.merge("RGB", [Image.effect_noise((2000, 3000), 90) for _ in range(3)]).convert("RGBA")
    say(f"{upload(encoded(clear, 'PNG'))}\n\n{upload(encoded(noise, 'PNG'))}")
    (_, small), (_, grain) = _images(written("html"))
    assert (small.size, small.mode) == ((1600, 800), "RGBA")
    assert [small.getpixel(place) for place in ((10, 10), (1590, 10))] == [(10, 20, 30, 255), (0, 0, 0, 0)]
    assert grain.format == "JPEG"
    assert max(grain.size) <= 1600


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"x" * 12_000, "could not be shown"),
        (encoded(corners(), "PNG")[:900], "could not be shown"),
        (encoded(corners(), "JPEG")[:2000], "could not be shown"),
        (b"GIF89a", "could not be shown"),
        (b"\0\0\0\x1cftypavif" + b"\0" * 400, "could not be shown"),
        (bomb(), "too large to be shown"),
        (bomb(2**31 - 1, 2**31 - 1), "too large to be shown"),
        (encoded(Image.new("1", (30_000, 30_000)), "TIFF", compression="group4"), "too large to be shown"),
        (encoded(Image.new("P", (16_000, 16_000)), "GIF"), "too large to be shown"),
    ],
    ids=["png", "cut png", "cut jpeg", "gif", "avif", "bomb", "largest", "fax", "flat gif"],
)
def test_what_cannot_be_shown_is_a_name_with_the_reason(
    say: Say, written: Written, upload: Callable[..., str], content: bytes, note: str
) -> None:
    link, good = upload(content, "odd <b>.png"), upload(encoded(corners(), "PNG"), "good.png")
    say(f"{link}\n\n{good}")
    page = written("html")
    assert [alt for alt, _ in _images(page)] == ["good.png"]
    assert re.search(rf"odd &lt;b&gt;\.png [\d,.]+ (bytes|[KM]iB) · {note}", _words(page))
    words = _pdf_words(written("pdf"))
    assert "odd <b>.png" in words
    assert note in words


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"a,b\n1,2\n" * 3000, "table.csv"), (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "drawing.svg")],
)
def test_any_other_file_is_a_name_with_its_size(
    say: Say, written: Written, upload: Callable[..., str], content: bytes, name: str
) -> None:
    say(f"See {upload(content, name)} there")
    size = "23.4 KiB" if name == "table.csv" else f"{len(content)} bytes"
    assert f"See {name} {size} there" in _words(written("html"))
    assert f"{name} · {size} there" in _pdf_words(written("pdf"))
    text = written("markdown").read_text()
    assert f"See {name} ({size}) there" in text
    assert "/files/" not in text


def test_markdown_has_links_in_code_as_they_were_written(
    say: Say, written: Written, upload: Callable[..., str]
) -> None:
    link = upload(b"a,b\n", "a_b.csv")
    say(f"{link} and `{link}` and !{link}\n\n```\n{link}\n```\n\n    {link}\n")
    text = written("markdown").read_text()
    assert text.count(link) == 3
    assert text.count("a\\_b.csv (4 bytes)") == 2
    assert "!a" not in text


def test_files_of_others_and_unknown_ones_are_but_words(
    say: Say, written: Written, bob: Any, tmp_path: Path
) -> None:
    others = uploaded(bob.pk, encoded(corners(), "PNG"), "secret.png")
    say(f"x [plain](/files/{others.pk}/) y [none](/files/00000000-0000-0000-0000-000000000000/) z")
    assert _images(written("html")) == []
    assert "x plain y none z" in _words(written("html"))
    assert "x plain y none z" in _pdf_words(written("pdf"))
    assert "x plain y none z" in written("markdown").read_text()
    assert "secret" not in written("html").read_text() + written("markdown").read_text()


def test_files_that_are_not_kept_or_not_there_whole_are_not_shown(
    session: ChatSession, say: Say, written: Written, upload: Callable[..., str]
) -> None:
    links = [
        upload(encoded(corners(), "PNG"), f"{name}.png")
        for name in ("expired", "removed", "receiving", "gone")
    ]
    expired, removed, receiving, gone = StoredFile.objects.order_by("created_at")
    StoredFile.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    StoredFile.objects.filter(pk=receiving.pk).update(state="receiving", sha256="", received=0)
    storage.remove(removed.pk)
    removal.remove([gone])
    say(" ".join(links))
    page = written("html")
    assert _images(page) == []
    size, note = r"[\d,.]+ \w+", "no longer kept"
    assert re.search(
        rf"expired\.png {size} · {note} removed\.png {size} · {note} receiving\.png gone\.png", _words(page)
    )


def test_a_file_that_a_superseded_attempt_delivered_is_not_shown(
    session: ChatSession, say: Say, written: Written, upload: Callable[..., str]
) -> None:
    link = upload(encoded(corners(), "PNG"))
    subagent = _subagent(session, attempt=2)
    StoredFile.objects.update(subagent=subagent, attempt=1)
    say(link)
    assert _images(written("html", include_tools=False)) == []


def test_past_what_one_export_may_have_pictures_are_names_with_a_sentence(
    say: Say, written: Written, upload: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "PICTURES_AT_MOST", 3)
    link = upload(encoded(corners(), "PNG"))
    say(*[link] * 5)
    page = written("html")
    assert len(_images(page)) == 3
    assert _words(page).count("one export has no room for more pictures") == 2
    assert _pdf_words(written("pdf")).count("one export has no room for more pictures") == 2


def test_one_message_has_so_many_pictures_at_most(
    say: Say, written: Written, upload: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "PICTURES_A_MESSAGE", 2)
    link = upload(encoded(corners(), "PNG"))
    say(f"{link} {link} {link}", link)
    page = written("html")
    assert len(_images(page)) == 3
    assert _words(page).count("one message has no room for more pictures") == 1


def test_what_sets_the_pages_can_read_the_pictures_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(encoded(corners(), "PNG"))
    (folder / "ours.png").write_bytes(encoded(corners(), "PNG"))

    def shown(address: str) -> None:
        source = tmp_path / "part.typ"
        source.write_text(f'#image("{address}")')
        pdf.typeset(RecordingContext(tmp_path), [source], folder=folder)

    shown("/ours.png")
    for address in ("/../secret.png", str(tmp_path / "secret.png"), "/etc/hostname"):
        with pytest.raises(ToolError, match=r"project root|not found"):
            shown(address)


def test_pictures_that_work_delivered_follow_it(
    session: ChatSession, say: Say, written: Written, upload: Callable[..., str]
) -> None:
    upload(encoded(corners(), "PNG"), "chart <1>.png")
    upload(b"a,b\n", "table.csv")
    StoredFile.objects.update(subagent=_subagent(session), attempt=1, session=session)
    page = written("html")
    assert [alt for alt, _ in _images(page)] == ["chart &lt;1&gt;.png"]
    assert page.read_text().index("</details>") < page.read_text().index("<img")
    assert _words(page).count("table.csv") == 1
    assert [len(part.images) for part in PdfReader(written("pdf")).pages] == [1]
    assert _images(written("html", include_tools=False)) == []


def test_a_page_has_no_picture_of_a_message_but_files(say: Say, written: Written) -> None:
    """Neither markup nor an address from elsewhere becomes one, however it is written."""
    say(
        "![x](https://evil.example/p.png) ![y](data:image/png;base64,AAAA) <img src=x>",
        '[a](/files/../admin/) [b](//evil.example/files/) [c](/files/1/ "t") [d](#message-1) [e](/admin/)',
    )
    text = written("html").read_text()
    assert "<img" not in text
    assert re.findall('href="([^"]*)"', text) == ["#message-1", "https://evil.example/p.png", "#message-2"]


def _subagent(session: ChatSession, attempt: int = 1) -> Subagent:
    now = timezone.now()
    return Subagent.objects.create(
        session=session, owner=session.owner, pool=Pool.objects.get(pk="tools"), seq=session.last_seq,
        agent_type="tool_executor", tool_name="probe", title="Draw", state="succeeded", attempt=attempt,
        result={"summary": "Drawn."}, queued_at=now, queue_deadline_at=now, started_at=now, finished_at=now,
    )  # fmt: skip
