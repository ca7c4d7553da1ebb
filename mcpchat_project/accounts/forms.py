"""What people fill in: login, their name, their password."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from mcpchat_project.accounts import throttle


class ThrottledMixin:
    """Refuses a login while there were too many attempts. Goes before a form of Django's."""

    request: Any
    cleaned_data: dict[str, Any]

    def clean(self) -> dict[str, Any]:
        """Count the attempt before the password is looked at, and forget all of them when it was right."""
        username = self.cleaned_data.get("username") or ""
        address = self.request.META.get("REMOTE_ADDR", "")[:45]
        if not throttle.admit(username, address):
            minutes = int(throttle.WINDOW.total_seconds() // 60)
            raise ValidationError(f"Too many attempts. Try again in {minutes} minutes.", code="throttled")
        cleaned: dict[str, Any] = super().clean()  # type: ignore[misc]  # the form's own
        throttle.forget(username, address)
        return cleaned


class LoginForm(ThrottledMixin, AuthenticationForm):
    """The login page's."""


class AdminLoginForm(ThrottledMixin, AdminAuthenticationForm):
    """The admin's own door, which is no way around the limit."""


class NameForm(forms.ModelForm):
    """How somebody is called on the pages."""

    class Meta:
        model = User
        fields = ["first_name", "last_name"]
