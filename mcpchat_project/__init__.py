"""The project: settings, processes, addresses. It alone sees every app."""

from mcpchat_project.celery import app as celery_app

__all__ = ["celery_app"]
