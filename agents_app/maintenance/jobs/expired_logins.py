from importlib import import_module

from django.conf import settings

from agents_app.maintenance.registry import JobResult, job


@job(name="expired_logins")
def clear_expired_logins() -> JobResult:
    """Remove login sessions that expired."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return JobResult(line="expired logins removed")
