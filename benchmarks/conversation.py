"""A long chat as people have them: questions, and answers with prose, code, tables, lists, many scripts."""

import random
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from benchmarks.stage import a_session
from sessions_app.models import ChatSession, Message

CHUNK = 1000
TEXT = (
    "the server keeps every result until somebody asks for it while another worker takes what waits longest "
    "because a queue that forgets is no queue and a table without numbers tells nothing about memory latency "
    "requests failures retries progress sessions exports documents measured compared restored"
)
WORDS = tuple(TEXT.split())
SENTENCES = (
    "Очередь помнит всё, что ей дали.",
    "Η ουρά θυμάται τα πάντα.",
    "队列记得它收到的一切。",
    "キューはすべてを覚えている。",
    "الطابور يتذكر كل شيء.",
    "Ça coûte peu, c’est déjà prêt ✅.",
)


def converse(count: int, name: str = "") -> ChatSession:
    """Return a session of a new user with `count` messages, written past the verbs; always the same text."""
    chance = random.Random(count)
    session = a_session(name)
    began = timezone.now() - timedelta(days=1)
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        rows = Message.objects.bulk_create(_message(session, number, chance) for number in numbers)
        for number, row in zip(numbers, rows, strict=True):
            row.created_at = began + timedelta(seconds=number)
        Message.objects.bulk_update(rows, ["created_at"])
    title = f"A chat of {count} messages"
    ChatSession.objects.filter(pk=session.pk).update(last_seq=count + 1, message_count=count, title=title)
    session.refresh_from_db()
    return session


def _message(session: ChatSession, number: int, chance: random.Random) -> Message:
    content = _answer(number, chance) if number % 2 else _question(number, chance)
    role = Message.Role.ASSISTANT if number % 2 else Message.Role.USER
    return Message(session=session, seq=number + 2, role=role, content=content)


def _question(number: int, chance: random.Random) -> str:
    return f"Question {number}: {_words(chance, 18)}?"


def _answer(number: int, chance: random.Random) -> str:
    shape = _SHAPES[number // 2 % len(_SHAPES)]
    return f"Answer {number}: {_words(chance, 40)}.\n\n{shape(chance)}\n\n{_words(chance, 25)}."


def _prose(chance: random.Random) -> str:
    first, second = _words(chance, 6), _words(chance, 4)
    link = f"[the page](https://example.org/{chance.randint(1, 9999)})"
    return (
        f"**{first}** and *{second}*, as `{_words(chance, 2)}` says; see {link}. {_words(chance, 30)}.\n\n"
        f"> {_words(chance, 20)}."
    )


def _listed(chance: random.Random) -> str:
    items = (f"- {_words(chance, 9)}\n  - {_words(chance, 5)}" for _ in range(4))
    return "## What follows\n\n" + "\n".join(items)


def _code(chance: random.Random) -> str:
    name = chance.choice(WORDS)
    lines = (f"    total += {name}({chance.randint(1, 999)})  # {_words(chance, 4)}" for _ in range(6))
    return (
        f"```python\ndef {name}(count: int) -> int:\n    total = 0\n"
        + "\n".join(lines)
        + "\n    return total\n```"
    )


def _table(chance: random.Random) -> str:
    rows = (f"| {_words(chance, 2)} | {chance.randint(1, 9999)} | {chance.random():.3f} |" for _ in range(5))
    return "| name | requests | share |\n|---|---:|---:|\n" + "\n".join(rows)


def _scripts(chance: random.Random) -> str:
    return "\n\n".join(f"{sentence} {chance.randint(1, 9999)}" for sentence in SENTENCES)


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(WORDS, k=count))


_SHAPES: tuple[Callable[[random.Random], str], ...] = (_prose, _listed, _code, _table, _scripts)
