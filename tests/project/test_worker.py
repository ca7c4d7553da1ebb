"""The arguments of `python -m mcpchat_project.worker`; what it does is walked through in tests/compose."""

import subprocess
import sys

import pytest

from mcpchat_project.worker import parse


@pytest.mark.parametrize(
    ("argument", "name", "words"),
    [
        ("tools,maintenance=4", "tools-maintenance", {"tools,maintenance", "prefork", "4"}),
        ("exports=2", "exports", {"exports", "prefork", "2"}),
        ("chat=16", "chat", {"chat", "threads", "16"}),
        ("beat", "beat", {"beat"}),
    ],
)
def test_an_argument_names_a_worker(argument: str, name: str, words: set[str]) -> None:
    process = parse(argument)
    assert process.name == name
    assert words <= set(process.command)
    assert process.environment["REMAP_SIGTERM"] == "SIGQUIT"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "Nothing to run."),
        (["tools"], "'tools' needs a number of at least 1 behind =."),
        (["tools=0"], "'tools=0' needs a number of at least 1 behind =."),
        (["chat=many"], "'chat=many' needs a number of at least 1 behind =."),
        (["tools,mail=1"], "There is no queue 'mail'."),
        (["tools=1", "chat,tools=1"], "There is no queue 'chat'."),
    ],
)
def test_arguments_that_make_no_sense_are_refused_in_one_sentence(arguments: list[str], why: str) -> None:
    command = [sys.executable, "-m", "mcpchat_project.worker", *arguments]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"{why} Name the workers to run: ")
