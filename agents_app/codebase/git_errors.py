"""What it means when git fails."""

import re
from collections.abc import Sequence

from agents_app.context import ToolError
from agents_app.wording.escaping import name

# The first pattern that fits decides: git follows a cause with lines that fit later ones.
_CAUSES = (
    (
        r"redirect|requested URL returned error: 30\d",
        "repository_refused",
        "The server sends elsewhere for this repository. Redirects are not followed: give the final address.",
    ),
    (
        r"Remote branch .* not found|couldn't find remote ref",
        "repository_not_found",
        "The repository has no branch or tag of that name.",
    ),
    (
        r"remote HEAD refers to nonexistent ref",
        "repository_not_found",
        "The repository's default branch does not exist. Name a branch or tag with `ref`.",
    ),
    (
        (
            r"could not read (Username|Password)|Authentication failed|requested URL returned error: 40[134]"
            r"|[Rr]epository .*not found|Permission denied|access denied or repository not exported"
            r"|does not appear to be a git repository|not valid: is this a git repository"
        ),
        "repository_not_found",
        "There is no such repository, or it is not open to everyone.",
    ),
    (
        r"certificate verification failed|certificate problem|Host key verification failed",
        "repository_unreachable",
        "The server's certificate or host key is not trusted, so nothing was fetched.",
    ),
    (
        (
            r"[Ff]ailed to connect|Connection (refused|timed out|reset|closed)|timed out|unable to connect"
            r"|Could ?n[o']t (resolve|connect)|No route to host|Network is unreachable|early EOF|Empty reply"
            r"|hung up unexpectedly|transfer closed|unable to access|SSL|RPC failed"
        ),
        "repository_unreachable",
        "The repository's server cannot be reached, or broke off.",
    ),
    (
        r"No space left|[Ff]ile too large|Out of memory|out of memory",
        "repository_too_large",
        "The repository is larger than the worker can hold.",
    ),
)


def cause(messages: Sequence[str]) -> ToolError:
    """Return the error that git's messages amount to; its own last words are added, cleaned and shortened."""
    text = "\n".join(line for line in messages if not line.startswith("remote: "))
    words = "\n".join(messages)
    for pattern, code, sentence in _CAUSES:
        if re.search(pattern, words):
            return ToolError(code, sentence)
    last = re.findall(r"^(?:fatal|error): (.*)$", text, re.MULTILINE)
    said = f" It said: {name(last[-1], 200)}" if last else ""
    return ToolError("git_failed", f"git could not fetch the repository.{said}")
