"""The paths of files that tools may read: inside the folders that the operator listed."""

from pathlib import Path

from django.conf import settings

from agents_app.codebase import folder
from sessions_app.errors import Refusal


def allowed(text: str) -> Path:
    """Return the real path of file `text`, which need not exist on this machine.

    Raises `Refusal` (`file_not_allowed`), in the same words whether such a file exists or not.
    """
    try:
        return folder.allowed(text, settings.ALLOWED_FOLDERS)
    except Refusal:
        raise refusal() from None


def refusal() -> Refusal:
    """Return what is said of files that are not there or not allowed."""
    return Refusal("file_not_allowed", "There is no such file in the folders that the operator allows.")
