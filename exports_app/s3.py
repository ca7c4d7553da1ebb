"""Exports in a bucket that speaks S3: `EXPORT_STORAGE_BACKEND=exports_app.s3.S3Storage`.

It needs django-storages, which nothing else here does.
"""

from typing import Any

try:
    from botocore.config import Config
    from storages.backends import s3
except ImportError as error:
    raise ImportError('it needs a package: pip install "django-storages[s3]==1.14.6"') from error


class S3Storage(s3.S3Storage):
    """That of django-storages, with its options, for a bucket that may not answer.

    Who waits for it is told within some 20 s; botocore alone tries for minutes. `answer_seconds` bounds each
    of two attempts. Of a file that is read no more than 8 MiB are in memory.
    """

    client_config: Any

    def __init__(self, *, answer_seconds: float = 10, **options: Any) -> None:
        super().__init__(**{"max_memory_size": 8 * 1024**2, "default_acl": None, **options})
        patience = Config(
            connect_timeout=min(answer_seconds, 3),
            read_timeout=answer_seconds,
            retries={"mode": "standard", "total_max_attempts": 2},
        )
        self.client_config = self.client_config.merge(patience)
