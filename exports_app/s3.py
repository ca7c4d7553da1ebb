"""Exports in a bucket that speaks S3: `EXPORT_STORAGE_BACKEND=exports_app.s3.S3Storage`.

It needs django-storages, which nothing else here does.
"""

from typing import Any

try:
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config
    from storages.backends import s3
except ImportError as error:
    raise ImportError('it needs a package: pip install "django-storages[s3]==1.14.6"') from error


class S3Storage(s3.S3Storage):
    """That of django-storages, with its options, for a bucket that may not answer.

    Who waits for it is told within some 20 s; botocore alone tries for minutes. `answer_seconds` bounds each
    of two attempts. A large file is never in memory whole, but parts of it are: some 100 MB.
    """

    client_config: Any

    def __init__(self, *, answer_seconds: float = 10, **options: Any) -> None:
        lean = {
            "max_memory_size": 8 * 1024**2,
            "transfer_config": TransferConfig(multipart_chunksize=5 * 1024**2),
        }
        super().__init__(**{"default_acl": None, **lean, **options})
        patience = Config(
            connect_timeout=min(answer_seconds, 3),
            read_timeout=answer_seconds,
            retries={"mode": "standard", "total_max_attempts": 2},
        )
        self.client_config = self.client_config.merge(patience)
