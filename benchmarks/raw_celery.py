"""The baseline: a Celery application with one empty task, set up as ours is, and nothing else."""

import os

from celery import Celery

from benchmarks import ledger

app = Celery("raw", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_default_queue="raw",
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="benchmarks.nothing")
def nothing() -> None:
    """Note that it started."""
    ledger.note()
