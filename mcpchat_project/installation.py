"""Makes .venv and installs the requirements into it; does nothing, without any network, when that is done.

The record of what is installed is removed before anything changes and written last: without it the
folder counts as half-made and is built anew.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
RUNTIME = "requirements.txt"


class Failed(Exception):
    """The environment could not be made; the text is one sentence for people."""


def say(text: str) -> None:
    """Tell the person at the terminal, at once."""
    print(text, flush=True)


def identity(venv: Path) -> str:
    """Return the line that must match for an existing environment to be of use here."""
    return f"python {sys.version_info.major}.{sys.version_info.minor} {venv}"


def wanted(root: Path, names: Sequence[str]) -> list[str]:
    """Return one line for each requirements file: its name and the SHA-256 of its content."""
    return [f"{name} {hashlib.sha256((root / name).read_bytes()).hexdigest()}" for name in names]


def recorded(venv: Path) -> list[str]:
    """Return what the last finished installation wrote; nothing if there was none or its Python is gone."""
    try:
        os.stat(venv / "bin" / "python")
        return (venv / "installed").read_text().splitlines()
    except OSError:
        return []


def prepare(root: Path, names: Sequence[str]) -> bool:
    """Have the requirements files `names` installed in `root`/.venv; return whether that took any work.

    Raises `Failed`.
    """
    venv = root / ".venv"
    with _alone(root):
        lines = [identity(venv), *wanted(root, names)]
        before = recorded(venv)
        if set(lines) <= set(before):
            return False
        started = time.monotonic()
        (venv / "installed").unlink(missing_ok=True)
        if before[:1] == lines[:1]:
            _extend(venv, root, names, before)
        else:
            _build(venv, root, names)
        _record(venv, lines)
        say(f"Installed in {time.monotonic() - started:.0f} s.")
    return True


def _record(venv: Path, lines: Sequence[str]) -> None:
    draft = venv / "installed.new"
    draft.write_text("\n".join(lines) + "\n")
    draft.replace(venv / "installed")


def _extend(venv: Path, root: Path, names: Sequence[str], before: Sequence[str]) -> None:
    """Install into a finished environment, which something may be running from."""
    try:
        _install_packages(venv / "bin" / "python", root, names)
    except Failed:
        # Both installers fetch everything before they change anything, so what was there still stands.
        _record(venv, before)
        raise


def _build(venv: Path, root: Path, names: Sequence[str]) -> None:
    """Make the environment from nothing, or leave nothing."""
    try:
        _create(venv)
        _install_packages(venv / "bin" / "python", root, names)
    except BaseException:
        shutil.rmtree(venv, ignore_errors=True)
        raise


def _create(venv: Path) -> None:
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Failed(
            f"{sys.executable} comes without venv and ensurepip: install them (Debian and Ubuntu: "
            f"apt install python{version}-venv), or name another Python: make PYTHON=/path/to/python3.11"
        )
    say(f"Making .venv with Python {sys.version.split()[0]}")
    shutil.rmtree(venv, ignore_errors=True)
    if _run(sys.executable, "-m", "venv", str(venv)):
        raise Failed(f"{sys.executable} could not make {venv}; its message is above.")


def _install_packages(python: Path, root: Path, names: Sequence[str]) -> None:
    """Use uv, which is ten times as fast, and pip where uv does not work."""
    files = [part for name in names for part in ("-r", str(root / name))]
    say(f"Installing the packages of {' and '.join(names)} (about 400 MB, only this once)")
    pip = (str(python), "-m", "pip", "--disable-pip-version-check")
    if not _run(*pip, "install", "--quiet", "uv"):
        uv = (str(python), "-m", "uv", "pip", "install", "--python", str(python))
        if not _run(*uv, "--system-certs", "--compile-bytecode", *files):
            return
    say("uv did not work here; installing with pip, which takes a minute or two")
    if _run(*pip, "install", "--progress-bar", "off", *files):
        raise Failed("The packages could not be installed; the message of pip is above.")


def _run(*command: str) -> int:
    """Run a command on our own terminal and return its exit code."""
    # The variables of another active environment would send packages there.
    hidden = {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "CONDA_PREFIX", "__PYVENV_LAUNCHER__"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    # The lock goes along: an installer that outlives us must be done before the next one begins.
    return subprocess.run(command, env=environment, close_fds=False, check=False).returncode


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keep two first starts apart. The lock is on the folder itself, so it leaves no file behind."""
    folder = os.open(root, os.O_RDONLY)
    os.set_inheritable(folder, True)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another installation in this folder")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main(names: Sequence[str]) -> int:
    """Prepare the runtime and the files `names`; return the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        prepare(ROOT, [RUNTIME, *names])
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The Python environment could not be made: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the next run starts the installation again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
