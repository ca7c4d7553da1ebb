"""What the maintenance agent has done so far."""

from agents_app import tallies
from agents_app.models import MaintenanceRun
from sessions_app.payloads import MaintenanceRunPayload, MaintenanceStatistics

PREFIX = "maintenance/"
RUNS_SHOWN = 20


def statistics() -> MaintenanceStatistics:
    """Return the cumulative counts since the installation began; they outlive the runs."""
    counts = tallies.values(PREFIX)
    ended = MaintenanceRun.objects.exclude(finished_at=None).order_by("-finished_at")
    last = ended.values_list("finished_at", flat=True).first()
    return {
        "sessions_cleaned": counts.get("sessions_cleaned", 0),
        "sessions_removed": counts.get("sessions_removed", 0),
        "logs_rotated": counts.get("logs_rotated", 0),
        "temp_files_deleted": counts.get("temp_files_deleted", 0),
        "exports_deleted": counts.get("exports_deleted", 0),
        "files_deleted": counts.get("files_deleted", 0),
        "events_pruned": counts.get("events_pruned", 0),
        "cleanup_count": counts.get("cleanup_count", 0),
        "last_cleanup": last.isoformat() if last else None,
    }


def recent_runs() -> list[MaintenanceRunPayload]:
    """Return the newest runs, the newest first."""
    return [run_payload(run) for run in MaintenanceRun.objects.select_related("requested_by")[:RUNS_SHOWN]]


def run_payload(run: MaintenanceRun) -> MaintenanceRunPayload:
    """Return a run as it stands."""
    return {
        "run_id": str(run.pk),
        "kind": run.kind,
        "deep": run.deep,
        "state": run.state,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        # PostgreSQL keeps the members of a JSON object in an order of its own.
        "results": dict(sorted(run.results.items())),
        "error": run.error,
        "requested_by": run.requested_by.get_username() if run.requested_by else None,
    }
