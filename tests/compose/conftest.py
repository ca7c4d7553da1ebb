"""Fixtures of the tests with whole hosts."""

import os
from collections.abc import Iterator

import pytest

from tests.postgres import Postgres, Unavailable


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL; where there is none this is skipped, unless MCPCHAT_REQUIRE_POSTGRES forbids it."""
    try:
        server = Postgres()
    except Unavailable as reason:
        if os.environ.get("MCPCHAT_REQUIRE_POSTGRES"):
            pytest.fail(str(reason))
        pytest.skip(str(reason))
    with server:
        yield server
