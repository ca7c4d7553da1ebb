"""Uploaded archives, friendly and hostile ones."""

import io
import os
import stat
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from agents_app.codebase import archive
from agents_app.codebase.archive import unpack
from agents_app.codebase.source import Source
from agents_app.context import Stopped, ToolError
from agents_app.isolation.subprocesses import Command, Limits
from agents_app.stages import Stage
from tests.codebase.archives import COMPRESSORS, member, overlapping_zip, quine_zip, tar_of, zip_of
from tests.recording import RecordingContext, child_processes

MIB = 1024**2
CODE: dict[str, str | bytes] = {"shop/a.py": "x = 1\n", "shop/lib/b.py": "y = 2\n"}
Unpack = Callable[..., Source]


def _python(program: str) -> Callable[..., Command]:
    def command(_module: str, *_arguments: str, limits: Limits) -> Command:
        return Command(
            arguments=[sys.executable, "-c", program], folder=Path("/"), environment={}, limits=limits
        )

    return command


@pytest.fixture
def unpacked(stage: Stage, tmp_path: Path) -> Unpack:
    """Unpack bytes as an archive."""

    def unpack_bytes(content: bytes, name: str = "shop.zip", max_bytes: int = 64 * MIB) -> Source:
        path = tmp_path / "stored"
        path.write_bytes(content)
        return unpack(stage.context, stage, path, name, max_bytes)

    return unpack_bytes


def failure(unpacked: Unpack, content: bytes, **arguments: int) -> ToolError:
    """Return the error that unpacking ends with."""
    with pytest.raises(ToolError) as error:
        unpacked(content, **arguments)
    return error.value


def contents(source: Source) -> dict[str, bytes]:
    """Return all files below the folder of a source; there is nothing but files and folders."""
    found = {}
    for path in sorted(source.folder.rglob("*")):
        assert not path.is_symlink()
        if not path.is_dir():
            assert path.is_file()
            found[str(path.relative_to(source.folder))] = path.read_bytes()
    return found


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_every_kind_of_tar_is_told_by_its_content(unpacked: Unpack, suffix: str) -> None:
    source = unpacked(COMPRESSORS[suffix](tar_of(CODE)), name="shop.zip")
    assert contents(source) == {"a.py": b"x = 1\n", "lib/b.py": b"y = 2\n"}
    assert (source.name, source.origin, source.left_out) == ("shop", {"file": "shop.zip"}, {})


def test_a_zip_is_one_whatever_its_name(unpacked: Unpack) -> None:
    source = unpacked(zip_of(CODE), name="shop.tar.gz")
    assert contents(source) == {"a.py": b"x = 1\n", "lib/b.py": b"y = 2\n"}


def test_one_folder_is_the_root_and_several_are_not(unpacked: Unpack) -> None:
    source = unpacked(zip_of({"a/x": "1", "b/y": "2", "__MACOSX/._x": ""}))
    assert set(contents(source)) == {"a/x", "b/y", "__MACOSX/._x"}


def test_what_the_finder_adds_does_not_hide_the_root(unpacked: Unpack) -> None:
    assert set(contents(unpacked(zip_of({"a/x": "1", "__MACOSX/a/._x": ""})))) == {"x"}


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/x",
        "a/../../x",
        "..",
        "C:/x",
        "C:\\x",
        "a\\..\\..\\x",
        "a/" * 70 + "x",
        "x" * 300,
        "y/" * 600 + "z",
    ],
)
def test_paths_that_lead_out_or_are_too_long_are_left_out(
    unpacked: Unpack, tmp_path: Path, name: str
) -> None:
    before = set(tmp_path.rglob("*"))
    source = unpacked(zip_of({name: "owned", "good/a.py": "x"}))
    assert contents(source) == {"a.py": b"x"}
    assert source.left_out == {"path leads out or is too long": 1}
    new = set(tmp_path.rglob("*")) - before - {tmp_path / "stored"}
    assert all(path.is_relative_to(tmp_path / "work/unpacked") for path in new)


def test_a_tar_that_climbs_is_left_out(unpacked: Unpack) -> None:
    source = unpacked(tar_of({"../../x": "owned", "/etc/x": "owned", "a.py": "x"}))
    assert (contents(source), source.left_out) == ({"a.py": b"x"}, {"path leads out or is too long": 2})


def test_links_devices_and_pipes_are_never_made(unpacked: Unpack, tmp_path: Path) -> None:
    hostile = [
        member("out", tarfile.SYMTYPE, ".."),
        member("passwd", tarfile.LNKTYPE, "/etc/passwd"),
        member("again", tarfile.LNKTYPE, "a.py"),
        member("null", tarfile.CHRTYPE),
        member("disk", tarfile.BLKTYPE),
        member("pipe", tarfile.FIFOTYPE),
    ]
    content = io.BytesIO(tar_of({"a.py": "x"}, *hostile))
    with tarfile.open(fileobj=content, mode="a") as grown:
        through = tarfile.TarInfo("out/owned")
        through.size = 5
        grown.addfile(through, io.BytesIO(b"owned"))
    source = unpacked(content.getvalue())
    assert contents(source) == {"a.py": b"x", "out/owned": b"owned"}
    assert source.left_out == {"link": 3, "device or pipe": 3}
    assert not (tmp_path / "work/owned").exists()


def test_a_link_in_a_zip_is_left_out(unpacked: Unpack) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO(zip_of({"a.py": "x"}))
    with zipfile.ZipFile(buffer, "a") as grown:
        grown.writestr(link, "/etc/passwd")
    source = unpacked(buffer.getvalue())
    assert (contents(source), source.left_out) == ({"a.py": b"x"}, {"link": 1})


def test_of_two_members_with_one_name_the_first_stays(unpacked: Unpack) -> None:
    content = io.BytesIO(tar_of({"a": "first", "b/c": "x"}))
    with tarfile.open(fileobj=content, mode="a") as grown:
        for name in ("a", "a/below", "b"):
            info = tarfile.TarInfo(name)
            info.size = 6
            grown.addfile(info, io.BytesIO(b"second"))
    source = unpacked(content.getvalue())
    assert contents(source) == {"a": b"first", "b/c": b"x"}
    assert source.left_out == {"name is taken": 3}


def test_names_that_differ_in_case_do_not_overwrite_each_other(unpacked: Unpack) -> None:
    source = unpacked(zip_of({"A.py": "1", "a.py": "2"}))
    assert contents(source)["A.py"] == b"1"
    assert len(contents(source)) + sum(source.left_out.values()) == 2


def test_what_is_made_is_open_to_its_owner_alone(unpacked: Unpack) -> None:
    info = tarfile.TarInfo("a")
    info.mode = 0o7777
    source = unpacked(tar_of({"b/c": "x"}, info))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in source.folder.rglob("*")}
    assert modes == {0o600, 0o700}


def bomb(suffix: str) -> bytes:
    return COMPRESSORS[suffix](tar_of({f"{number}.bin": bytes(8 * MIB) for number in range(5)}))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_a_bomb_of_zeros_ends_at_the_ratio(unpacked: Unpack, suffix: str) -> None:
    error = failure(unpacked, bomb(suffix))
    assert (error.code, error.message) == (
        "archive_too_large", "The archive unpacks to more than 200 times its size.",
    )  # fmt: skip


def test_a_zip_bomb_ends_at_the_ratio_with_little_written(
    unpacked: Unpack, context: RecordingContext
) -> None:
    error = failure(unpacked, zip_of({f"{number}.bin": bytes(8 * MIB) for number in range(8)}))
    assert error.code == "archive_too_large"
    written = sum(path.stat().st_size for path in context.workdir.rglob("*") if path.is_file())
    assert written <= 17 * MIB


def test_members_that_share_their_bytes_are_refused(unpacked: Unpack, context: RecordingContext) -> None:
    error = failure(unpacked, overlapping_zip(1000, MIB))
    assert (error.code, error.message) == ("archive_damaged", "The archive is damaged: its members overlap.")
    assert list((context.workdir / "unpacked").iterdir()) == []


def test_an_archive_in_an_archive_is_a_file_and_nothing_more(unpacked: Unpack) -> None:
    assert set(contents(unpacked(quine_zip()))) == {"a.py", "r/r.zip"}


def test_a_total_above_the_limit_is_refused(unpacked: Unpack) -> None:
    files: dict[str, str | bytes] = {f"{number}.bin": os.urandom(200_000) for number in range(10)}
    error = failure(unpacked, tar_of(files), max_bytes=MIB)
    assert (error.code, error.message) == ("archive_too_large", "The archive unpacks to more than 1 MiB.")


def test_a_header_that_lies_about_a_size_does_not_pass_the_limit(unpacked: Unpack) -> None:
    content = bytearray(zip_of({"a.bin": os.urandom(3 * MIB)}))
    place = content.rindex(b"PK\x01\x02")
    content[place + 24 : place + 28] = (10).to_bytes(4, "little")
    assert failure(unpacked, bytes(content), max_bytes=MIB).code == "archive_damaged"


def test_a_member_above_its_limit_is_left_out(unpacked: Unpack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBER_BYTES", MIB)
    for make in (zip_of, tar_of):
        source = unpacked(make({"a/big": os.urandom(2 * MIB), "a/small": "x"}))
        assert (contents(source), source.left_out) == ({"small": b"x"}, {"larger than 1 MiB": 1})
        (source.folder / "small").unlink()
        source.folder.rmdir()
        source.folder.parent.rmdir()


def test_too_many_members_are_refused(unpacked: Unpack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 5)
    error = failure(unpacked, zip_of({f"{number}/": "" for number in range(6)}))
    assert (error.code, error.message) == (
        "archive_too_large", "The archive holds more than 5 files and folders.",
    )  # fmt: skip


def test_a_header_that_takes_too_much_memory_is_refused(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_MEMORY_BYTES", 192 * MIB)
    info = member("pax", tarfile.XHDTYPE)
    info.size = 7 * 1024**3
    with (tmp_path / "huge").open("wb") as file:
        file.write(info.tobuf())
        file.truncate(8 * 1024**3)
    with pytest.raises(ToolError) as error:
        unpack(stage.context, stage, tmp_path / "huge", "huge.tar", 64 * MIB)
    assert error.value.code == "archive_too_large"


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst", ""])
def test_a_truncated_tar_is_damaged(unpacked: Unpack, suffix: str) -> None:
    whole = COMPRESSORS[suffix](tar_of({"a": os.urandom(100_000), "b": os.urandom(100_000)}))
    assert failure(unpacked, whole[:150_000]).code == "archive_damaged"


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ""])
def test_a_tar_with_a_broken_header_is_damaged(unpacked: Unpack, suffix: str) -> None:
    whole = bytearray(tar_of({"a": "x" * 600, "b": "y"}))
    place = whole.index(b"b\0\0\0")
    whole[place + 148 : place + 156] = b"99999999"
    assert failure(unpacked, COMPRESSORS[suffix](bytes(whole))).code == "archive_damaged"


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_a_wrong_checksum_at_the_very_end_is_damage(unpacked: Unpack, suffix: str) -> None:
    whole = bytearray(COMPRESSORS[suffix](tar_of({"a": os.urandom(1000)})))
    whole[-6] ^= 0xFF
    assert failure(unpacked, bytes(whole)).code == "archive_damaged"


@pytest.mark.parametrize("cut", [20, 3000, -30])
def test_a_truncated_zip_is_damaged(unpacked: Unpack, cut: int) -> None:
    assert failure(unpacked, zip_of({"a": os.urandom(5000)})[:cut]).code == "archive_damaged"


def test_a_zip_whose_content_fails_its_checksum_is_damaged(unpacked: Unpack) -> None:
    whole = bytearray(zip_of({"a": os.urandom(5000)}))
    whole[2000] ^= 0xFF
    assert failure(unpacked, bytes(whole)).code == "archive_damaged"


def test_an_encrypted_zip_is_named(unpacked: Unpack) -> None:
    whole = bytearray(zip_of({"a": "x"}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        whole[whole.index(mark) + offset] |= 1
    error = failure(unpacked, bytes(whole))
    assert (error.code, "encrypted" in error.message) == ("archive_unsupported", True)


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"7z\xbc\xaf\x27\x1c" + bytes(2000), b"Rar!\x1a\x07" + bytes(2000), b"# Shop\n" * 500,
     COMPRESSORS[".gz"](b"no tar" * 500), COMPRESSORS[".zst"](b"no tar" * 500), os.urandom(2000)],
)  # fmt: skip
def test_what_is_no_archive_is_told_which_ones_are(unpacked: Unpack, content: bytes) -> None:
    error = failure(unpacked, content)
    assert (error.code, "tar.zst" in error.message) == ("archive_unsupported", True)


def test_an_empty_archive_has_no_files(unpacked: Unpack) -> None:
    assert contents(unpacked(zip_of({}))) == {}


def test_hostile_names_are_only_names(unpacked: Unpack) -> None:
    names = ["<script>.py", "new\nline.py", "\u202egnp.py", "--help.py", "a|b`c.py", "\udcff.py"]
    assert set(contents(unpacked(tar_of(dict.fromkeys(names, "x"))))) == set(names)


def test_a_decoder_that_goes_round_for_ever_is_ended(
    unpacked: Unpack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "SILENCE_SECONDS", 0.3)
    monkeypatch.setattr(archive, "python_command", _python("while True: pass"))
    before = child_processes()
    assert failure(unpacked, zip_of(CODE)).code == "archive_damaged"
    assert child_processes() == before


def test_a_decoder_that_crashes_is_damage(unpacked: Unpack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "python_command", _python("import os; os.abort()"))
    assert failure(unpacked, zip_of(CODE)).code == "archive_damaged"


@pytest.fixture
def slow_archive() -> bytes:
    """An archive that takes a second or two."""
    return COMPRESSORS[".bz2"](tar_of({f"{number}": os.urandom(MIB) for number in range(6)}))


def test_progress_is_bytes_of_the_archive(
    unpacked: Unpack, context: RecordingContext, slow_archive: bytes
) -> None:
    unpacked(slow_archive)
    percents = [percent for percent, _stage, _left in context.told]
    assert percents == sorted(percents)
    assert len(set(percents)) > 3


def test_a_cancel_ends_within_half_a_second(
    unpacked: Unpack, context: RecordingContext, slow_archive: bytes
) -> None:
    context.stop_when = lambda percent, _stage: percent > 10
    before = child_processes()
    with pytest.raises(Stopped):
        unpacked(slow_archive)
    assert context.stopped_at is not None
    assert time.monotonic() - context.stopped_at < 0.5
    assert child_processes() == before
