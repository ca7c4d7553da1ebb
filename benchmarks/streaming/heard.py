"""When the tokens of an answer arrived."""

import time
from dataclasses import dataclass, field

from benchmarks.streaming.model import TOKEN


@dataclass
class Answer:
    """An answer as somebody hears it; its clock starts when it is made, just before it is asked for."""

    asked_at: float = field(default_factory=time.perf_counter)
    first_at: float = 0.0
    last_at: float = 0.0
    _first: int = 0
    _characters: int = 0

    def hear(self, text: str) -> None:
        """Take a piece of it."""
        self.last_at = time.perf_counter()
        if not self._characters:
            self.first_at, self._first = self.last_at, len(text)
        self._characters += len(text)

    @property
    def tokens(self) -> int:
        """How many came."""
        return self._characters // len(TOKEN)

    @property
    def first_token_ms(self) -> float:
        """From the question to the first text."""
        return (self.first_at - self.asked_at) * 1000

    @property
    def tokens_a_second(self) -> float:
        """How fast those came that came after the first text."""
        return (self._characters - self._first) / len(TOKEN) / (self.last_at - self.first_at)

    @property
    def whole_rate(self) -> float:
        """Tokens a second from the question to the last of them.

        What was held up and then came in a heap looks fast to `tokens_a_second`; here it does not.
        """
        return self._characters / len(TOKEN) / (self.last_at - self.asked_at)
