from agents_app.maintenance.chunks import delete_in_chunks
from agents_app.maintenance.registry import JobResult, job
from agents_app.models import MaintenanceRun

RUNS_KEPT = 500


@job(name="old_runs", deep=True)
def prune_old_runs() -> JobResult:
    """Remove all but the newest 500 runs; the statistics do not need them."""
    newest = MaintenanceRun.objects.order_by("-started_at").values_list("pk", flat=True)[:RUNS_KEPT]
    ended = MaintenanceRun.objects.exclude(state=MaintenanceRun.State.RUNNING)
    pruned = delete_in_chunks(ended.exclude(pk__in=list(newest)))
    return JobResult(line=f"{pruned} old runs removed")
