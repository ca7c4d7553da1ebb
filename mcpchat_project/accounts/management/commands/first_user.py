"""`manage.py first_user`: the administrator of a new installation."""

from typing import Any

from django.contrib.auth.models import User
from django.core.management import BaseCommand

NAME = "admin"


class Command(BaseCommand):
    help = "Make the user admin, without a password, if there is no user at all. A link logs in: login_link."

    def handle(self, **options: Any) -> None:
        if not User.objects.exists():
            User.objects.create_superuser(NAME)
            self.stdout.write(f"Made the user {NAME}.")
