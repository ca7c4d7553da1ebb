"""What a file is told to be follows from its bytes; operators see which files there are."""

import gzip
import io
import tarfile
import zipfile
from typing import Any

import pytest
from django.test import Client

from agents_app.files import kinds
from tests.files.conftest import uploaded


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (_zip(), "x.zip", "application/zip"),
        (_zip(), "x.png", "application/zip"),
        (_zip(), "x.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (_tar(), "x", "application/x-tar"),
        (gzip.compress(b"a"), "x.csv", "application/gzip"),
        (b"%PDF-1.7\n", "x", "application/pdf"),
        (b"a,b\n", "x.CSV", "text/csv"),
        ("ä,b\n".encode(), "x.md", "text/markdown"),
        (b"{}", "x.json", "application/json"),
        (b"<script>", "x.html", "text/html"),
        (b"a,b\n", "x.png", "text/plain"),
        (b"a,b\n", "noname", "text/plain"),
        (b"\x00\x01", "x.txt", "application/octet-stream"),
        ("ä".encode("latin-1"), "x.txt", "application/octet-stream"),
        (("aé" + "é" * 4096).encode(), "x.txt", "text/plain"),
        (b"", "x.csv", "text/csv"),
    ],
)
def test_the_content_decides_and_the_name_between_kinds_of_text(content: bytes, name: str, kind: str) -> None:
    assert kinds.content_type(content[: kinds.HEAD_BYTES], name) == kind


def test_operators_see_files_and_change_none(ann: Any, client: Client) -> None:
    stored = uploaded(ann.pk, b"x", "<script>.txt")
    ann.is_staff = ann.is_superuser = True
    ann.save()
    client.force_login(ann)
    page = client.get("/admin/agents_app/storedfile/")
    assert page.status_code == 200
    assert "&lt;script&gt;.txt" in page.content.decode()
    assert client.post(f"/admin/agents_app/storedfile/{stored.pk}/change/", {"name": "a"}).status_code == 403
    assert client.post(f"/admin/agents_app/storedfile/{stored.pk}/delete/", {}).status_code == 403
