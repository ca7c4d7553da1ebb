"""Tokens for programs that use the API as a user."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from knox.models import AuthToken

TOKENS_PER_USER = 20
SHOWN_CHARACTERS = 8


class TooManyTokens(Exception):
    """The user has as many tokens as one may have."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """What is still known of a token after it was made: `name` is how it starts."""

    key: str
    name: str
    created_at: datetime


def create_token(user: User) -> str:
    """Return a new token; only its hash is kept. Raises `TooManyTokens`."""
    if AuthToken.objects.filter(user=user).count() >= TOKENS_PER_USER:
        raise TooManyTokens(f"{user} has {TOKENS_PER_USER} tokens, which is the limit; delete one first.")
    _, token = AuthToken.objects.create(user=user)
    return str(token)


def list_tokens(user: User) -> list[Token]:
    """Return the user's tokens, newest first."""
    return [
        Token(key=row.token_key, name=row.token_key[:SHOWN_CHARACTERS], created_at=row.created)
        for row in AuthToken.objects.filter(user=user).order_by("-created")
    ]


def delete_token(user: User, key: str) -> None:
    """Make a token of the user's own useless; one that is not there, or is another's, changes nothing."""
    AuthToken.objects.filter(user=user, token_key=key).delete()
