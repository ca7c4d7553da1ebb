"""The estimate of tokens, and what providers' reports make of it."""

import pytest

from agents_app.tokens import Calibration, of_text

# What OpenAI's o200k_base tokenizer makes of them.
COUNTED = {
    "The quick brown fox jumps over the lazy dog. " * 40: 401,
    '{"id": 12345, "state": "running", "progress": 57.25}\n' * 40: 840,
    "for row in rows:\n    total += row.amount * 2\n" * 40: 560,
}


@pytest.mark.parametrize(("text", "counted"), COUNTED.items())
def test_an_estimate_is_near_what_a_tokenizer_counts(text: str, counted: int) -> None:
    assert 0.8 * counted <= of_text(text) <= 1.4 * counted


def test_no_text_has_no_tokens_and_any_text_has_some() -> None:
    assert of_text("") == 0
    assert of_text("a") >= 1


def test_long_text_is_sampled_and_estimated_alike() -> None:
    short, long = "Some words, 12 numbers. " * 100, "Some words, 12 numbers. " * 10_000
    assert of_text(long) == pytest.approx(of_text(short) * 100, rel=0.05)


def test_what_is_no_text_costs_more() -> None:
    assert of_text("x7Gh2kLm9QpZ" * 100) > 2.5 * of_text("some words  " * 100)


def test_half_a_surrogate_pair_can_be_estimated() -> None:
    assert of_text("\ud800 and more") > 0


def test_a_report_above_the_estimate_counts_at_once_and_one_below_slowly() -> None:
    calibration = Calibration()
    calibration.learn("a:b", 1000, 1500)
    assert calibration.factor("a:b") == 1.5
    calibration.learn("a:b", 1000, 1000)
    assert 1.2 < calibration.factor("a:b") < 1.5
    assert calibration.factor("a:c") == 1.0


def test_an_absurd_report_moves_the_estimate_within_bounds() -> None:
    calibration = Calibration()
    calibration.learn("a:b", 1000, 900_000)
    assert calibration.factor("a:b") == 2.0
    calibration.learn("tiny", 10, 500)
    assert calibration.factor("tiny") == 1.0
