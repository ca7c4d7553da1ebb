from django.db import transaction
from django.db.models import Count

from agents_app import statements
from agents_app.maintenance.registry import JobResult, job
from agents_app.models import Pool, PoolShare, Subagent


@job(name="queue_counts")
def check_queue_counts() -> JobResult:
    """Set right how many of each owner's wait, should that ever differ from the queue itself."""
    mended = sum(_check(name) for name in Pool.objects.values_list("name", flat=True))
    return JobResult(line=f"{mended} counts of waiting work set right")


def _check(pool_name: str) -> int:
    """Count under the shares' locks: whoever moved work and has not yet counted it is counted afterwards."""
    mended = 0
    with transaction.atomic():
        # Only who holds the pool's lock touches more than one share.
        statements.lock(pool_name)
        locked = PoolShare.objects.select_for_update(no_key=True).filter(pool=pool_name)
        shares = {share.owner_id: share for share in locked.order_by("pk")}
        queued = Subagent.objects.filter(pool=pool_name, state=Subagent.State.QUEUED)
        counts = dict(queued.order_by().values_list("owner_id").annotate(Count("pk")))
        for owner_id, share in shares.items():
            if share.queued != counts.get(owner_id, 0):
                share.queued = counts.get(owner_id, 0)
                share.save(update_fields=["queued"])
                mended += 1
    return mended
