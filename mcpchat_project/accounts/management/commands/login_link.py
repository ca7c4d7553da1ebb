"""`manage.py login_link NAME`: print a one-time link that logs in."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError

from mcpchat_project.accounts.login_links import link_url, make_link
from mcpchat_project.address import site_url


class Command(BaseCommand):
    help = "Print a link that logs a user in, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", default="", help="the first administrator if left out")
        parser.add_argument("--url", default="", help="the site's address, if not the one of make run")

    def handle(self, *, name: str, url: str, **options: Any) -> None:
        user = _named(name) if name else _first_administrator()
        try:
            site = url or site_url(settings.RUN_DIR)
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(link_url(site, make_link(user)))


def _named(name: str) -> User:
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}; make one: manage.py create_user {name}")
    if not user.is_active:
        raise CommandError(f"The user {name!r} is switched off; the admin can switch it on.")
    return user


def _first_administrator() -> User:
    user = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if user is None:
        raise CommandError("There is no administrator; make one: manage.py create_user NAME --staff")
    return user
