"""Exports in a bucket that speaks S3: `EXPORT_STORAGE_BACKEND=exports_app.s3.S3Storage`.

It needs django-storages, which nothing else here does.
"""

import io
import os
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.files import File

try:
    from boto3.s3.transfer import S3Transfer, TransferConfig
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError
    from storages.backends import s3
    from storages.utils import clean_name
except ImportError as error:
    raise ImportError('it needs a package: pip install "django-storages[s3]==1.14.6"') from error

BUFFER_BYTES = 256 * 1024


class S3Storage(s3.S3Storage):
    """That of django-storages, with its options, for a bucket that may not answer.

    Who waits for it is told within some 20 s; botocore alone tries for minutes. `answer_seconds` bounds each
    of two attempts. A large file is never in memory whole: it is stored part by part, in the thread that asks
    for it, which can tell how far it is and stop.
    """

    client_config: Any

    def __init__(self, *, answer_seconds: float = 10, **options: Any) -> None:
        lean = {
            "max_memory_size": 8 * 1024**2,
            "transfer_config": TransferConfig(multipart_chunksize=5 * 1024**2, use_threads=False),
        }
        super().__init__(**{"default_acl": None, **lean, **options})
        patience = Config(
            connect_timeout=min(answer_seconds, 3),
            read_timeout=answer_seconds,
            retries={"mode": "standard", "total_max_attempts": 2},
        )
        self.client_config = self.client_config.merge(patience)
        # boto3 would say so when it is first asked for a file.
        if self.endpoint_url and not self.endpoint_url.startswith(("http://", "https://")):
            raise ImproperlyConfigured("endpoint_url has to begin with https:// or http://")

    def _open(self, name: str, mode: str = "rb") -> File:
        # What is stored compressed has no parts that could be asked for.
        if mode != "rb" or self.gzip:
            return super()._open(name, mode)
        stored = self.bucket.Object(self._normalize_name(clean_name(name)))
        asked = self.get_object_parameters(name).items()
        parameters = {key: value for key, value in asked if key in S3Transfer.ALLOWED_DOWNLOAD_ARGS}
        reader = Reader(lambda start: stored.get(Range=f"bytes={start}-", **parameters)["Body"])
        return File(io.BufferedReader(reader, BUFFER_BYTES), name)


class Reader(io.RawIOBase):
    """A file that is fetched as it is read, from the place where that begins.

    `fetch(start)` returns the bytes from there on as something to read. A connection that breaks is made
    anew.
    """

    TRIES = 3

    def __init__(self, fetch: Callable[[int], Any]) -> None:
        self._fetch = fetch
        self._body: Any = None
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """To places that are counted from the beginning."""
        return True

    def tell(self) -> int:
        """Return where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place. Raises `UnsupportedOperation` for one that is not counted from the beginning."""
        if whence != os.SEEK_SET:
            raise io.UnsupportedOperation("places are counted from the beginning")
        if offset != self._at:
            self._let_go()
        self._at = offset
        return offset

    def readinto(self, buffer: Any, /) -> int:
        """Read what has come, waiting for the first of it. Raises botocore's errors."""
        for _ in range(self.TRIES - 1):
            try:
                return self._read(buffer)
            except BotoCoreError:
                self._let_go()
        return self._read(buffer)

    def close(self) -> None:
        """Break off what still comes."""
        self._let_go()
        super().close()

    def _read(self, buffer: Any) -> int:
        if self._body is None:
            self._body = self._fetch(self._at)
        piece = self._body.read(len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _let_go(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()
