"""The process that asks registries: `python -m agents_app.codebase.dependencies.looking_up < QUESTIONS`.

QUESTIONS are a JSON object with `registries` (address by ecosystem) and `packages` (pairs of ecosystem and
name). For each package it prints one line of JSON as soon as that is known: the package's number, the newest
stable version, the newest of all, and why there is none. Names that take long to look up, servers that hang
and answers that are too much for a parser cost this process, which whoever started it may end at any time.
"""

import json
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from agents_app.codebase.dependencies.asking import Unanswered, Unlisted, Unreachable, ask
from agents_app.codebase.dependencies.model import Unreadable
from agents_app.codebase.dependencies.registries import REGISTRIES, newest

THREADS = 8
_UNREACHABLE_MAX = 3


class _Questions:
    """Answers questions from several threads; prints a line for each."""

    def __init__(self, registries: Mapping[str, str]) -> None:
        self._registries = registries
        self._unreachable: Counter[str] = Counter()
        # Answers are read one at a time: together they could be more than there is memory.
        self._reading = threading.Lock()

    def answer(self, number: int, ecosystem: str, name: str) -> None:
        """Ask for one package and print what is known."""
        stable = newest_of_all = problem = ""
        try:
            stable, newest_of_all = self._newest(ecosystem, name)
        except Unlisted as reason:
            problem = f"unlisted: {reason}"
        except (Unanswered, Unreadable) as reason:
            problem = str(reason)
            self._unreachable[ecosystem] += isinstance(reason, Unreachable)
        except Exception as error:  # noqa: BLE001 - what a server sends breaks things in many ways
            problem = f"its answer could not be read ({type(error).__name__})"
        self._print(number, stable, newest_of_all, problem)

    def _newest(self, ecosystem: str, name: str) -> tuple[str, str]:
        if self._unreachable[ecosystem] >= _UNREACHABLE_MAX:
            raise Unanswered("it cannot be reached")
        registry = REGISTRIES[ecosystem]
        body = ask(self._registries[ecosystem], registry.path(name), registry.accept)
        with self._reading:
            return newest(ecosystem, registry.versions(name, body))

    def _print(self, *answer: object) -> None:
        with self._reading:
            sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
            sys.stdout.buffer.flush()


def main() -> None:
    """Answer the questions of standard input."""
    asked = json.load(sys.stdin.buffer)
    questions = _Questions(asked["registries"])
    with ThreadPoolExecutor(THREADS) as threads:
        for number, (ecosystem, name) in enumerate(asked["packages"]):
            threads.submit(questions.answer, number, ecosystem, name)


if __name__ == "__main__":
    main()
