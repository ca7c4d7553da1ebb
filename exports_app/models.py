"""Files made of chat sessions."""

import uuid
from pathlib import Path
from typing import Any

from django.db import models

from agents_app.models import Subagent
from exports_app import storage


def export_path(export: "Export", file_name: str) -> str:
    """Return where the file is stored: nothing of it can be guessed, nothing of it is the user's text."""
    return f"{storage.FOLDER}/{export.pk}{Path(file_name).suffix}"


class ExportQuerySet(models.QuerySet["Export"]):
    """Exports."""

    def owned_by(self, user: Any) -> "ExportQuerySet":
        """Those of sessions of `user` that were not deleted."""
        return self.filter(subagent__owner_id=user.pk, subagent__session__deleted_at=None)


class Export(models.Model):
    """One file; its subagent's state is its state."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subagent = models.OneToOneField(Subagent, on_delete=models.CASCADE, related_name="export")
    format = models.CharField(max_length=20)
    options = models.JSONField(default=dict)
    file_name = models.CharField(max_length=255, blank=True, help_text="the name it is downloaded under")
    file = models.FileField(upload_to=export_path, storage=storage.chosen, blank=True)
    file_size = models.PositiveBigIntegerField(null=True, blank=True, help_text="bytes")
    sha256 = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.format} export {self.file_name}"
