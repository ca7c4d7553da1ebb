"""A process of its own that looks a host's name up: `python -m agents_app.isolation.resolving HOST PORT`.

It prints the addresses as a JSON list, at most 16, and ends with 1 when there are none.
"""

import json
import socket
import sys


def main(host: str, port: str) -> int:
    """Print the addresses of `host` and return the exit code."""
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return 1
    print(json.dumps(list(dict.fromkeys(str(entry[4][0]) for entry in found))[:16]))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
