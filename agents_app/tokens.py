"""How many tokens a text takes, estimated without a tokenizer: each provider has its own, most unpublished.

Counted are bytes of each kind. The shares were fitted to two published tokenizers (`docs/decisions.md` has
what was measured) and err on the safe side; what a provider reports corrects them, model by model.
"""

import re
from threading import Lock

_DIGITS = b"0123456789"
_SYMBOLS = bytes(code for code in range(33, 127) if not chr(code).isalnum())
# What nobody wrote by hand: base64, hashes, keys.
_RUN = re.compile(rb"[A-Za-z0-9+/_=]{32,}")
_BYTES_A_TOKEN = {"letters": 4.4, "digits": 2.0, "symbols": 1.7, "other": 2.6, "run": 1.4}
_SAMPLES, _SAMPLE_CHARACTERS = 8, 1024
_LEARN = 0.3
_MOST, _LEAST = 2.0, 0.6


def of_text(text: str) -> int:
    """Return about how many tokens `text` takes, rather too many than too few; long text is sampled."""
    if len(text) <= _SAMPLES * _SAMPLE_CHARACTERS:
        return round(_weight(text)) + bool(text)
    step = (len(text) - _SAMPLE_CHARACTERS) // (_SAMPLES - 1)
    sample = "".join(text[start * step : start * step + _SAMPLE_CHARACTERS] for start in range(_SAMPLES))
    return round(_weight(sample) * len(text) / len(sample)) + 1


def _weight(text: str) -> float:
    encoded = text.encode("utf-8", "replace")
    runs = sum(map(len, _RUN.findall(encoded)))
    if runs:
        encoded = _RUN.sub(b"", encoded)
    ascii_only = encoded.decode("utf-8", "replace").encode("ascii", "ignore")
    digits = len(ascii_only) - len(ascii_only.translate(None, _DIGITS))
    symbols = len(ascii_only) - len(ascii_only.translate(None, _SYMBOLS))
    counts = {"run": runs, "other": len(encoded) - len(ascii_only), "digits": digits, "symbols": symbols}
    counts["letters"] = len(ascii_only) - digits - symbols
    return sum(count / _BYTES_A_TOKEN[kind] for kind, count in counts.items())


class Calibration:
    """What providers reported against what was estimated, for each model: grows right in a few requests."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._factors: dict[str, float] = {}

    def factor(self, model: str) -> float:
        """Return what an estimate for `model` is to be multiplied by."""
        return self._factors.get(model, 1.0)

    def learn(self, model: str, estimated: int, reported: int) -> None:
        """Take in that a request estimated at `estimated` tokens had `reported`; small ones tell nothing."""
        if estimated < 100 or reported < 100:
            return
        seen = min(max(reported / estimated, _LEAST), _MOST)
        with self._lock:
            before = self._factors.get(model, 1.0)
            # Up at once: too much text is refused. Down slowly.
            self._factors[model] = seen if seen > before else before + _LEARN * (seen - before)
