"""A post has one holder over all hosts, and a dead one is replaced."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents_app import singletons
from agents_app.lease import Lease
from agents_app.models import Singleton
from agents_app.singletons import Post, hold
from tests.project.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def _expire() -> None:
    Singleton.objects.update(expires_at=timezone.now() - timedelta(seconds=0.1))


def test_who_comes_first_has_it_until_it_expires() -> None:
    assert hold("scan", "one", 4)
    assert not hold("scan", "two", 4)
    assert hold("scan", "one", 4)
    _expire()
    assert hold("scan", "two", 4)
    assert not hold("scan", "one", 4)


def test_posts_are_apart() -> None:
    assert hold("scan", "one", 4)
    assert hold("beat", "two", 4)


@pytest.mark.parametrize("expired", [True, False])
def test_of_many_who_ask_at_once_one_has_it(together: Callable[..., list[Any]], expired: bool) -> None:
    if expired:
        hold("scan", "dead", 4)
        _expire()
    answers = together(*(lambda name=f"host {number}": hold("scan", name, 4) for number in range(6)))
    assert sorted(answers) == [False] * 5 + [True]


def test_one_that_is_given_up_is_free_for_the_next() -> None:
    one, two = Post("scan", "one"), Post("scan", "two")
    assert one.is_mine()
    two.give_up()
    assert not hold("scan", "two", 4)
    one.give_up()
    assert hold("scan", "two", 4)
    assert not one.is_mine()


def test_a_post_that_is_held_is_renewed_before_it_expires() -> None:
    assert singletons.RENEW_SECONDS <= singletons.POST_SECONDS / 2
    post = Post("scan", "one")
    assert post.is_mine()
    before = Singleton.objects.get().expires_at
    post._known_until = Lease.from_now(-1)
    assert post.is_mine()
    assert Singleton.objects.get().expires_at > before


def test_a_holder_that_stood_still_does_not_think_it_has_it_still() -> None:
    post = Post("scan", "one")
    assert post.is_mine()
    _expire()
    assert hold("scan", "two", 4)
    post._known_until = Lease.from_now(-1)
    assert not post.is_mine()


def test_who_does_not_have_it_asks_again_when_it_expires() -> None:
    hold("scan", "one", 4)
    post = Post("scan", "two")
    assert not post.is_mine()
    assert not post._known_until.is_over()
    hold("scan", "one", 0.01)
    other = Post("scan", "three")
    until(other.is_mine, 2)
    assert not hold("scan", "one", 4)
