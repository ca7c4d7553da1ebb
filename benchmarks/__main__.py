"""python -m benchmarks NAME [DATABASE …]: run a benchmark, on what databases it is about or on these."""

import sys

from benchmarks.installation import Installation
from tests.postgres import Unavailable

DATABASES = ("sqlite", "postgres")
# What goes past the database is measured once.
NAMES = {
    "spawn": DATABASES,
    "admission": DATABASES,
    "throughput": DATABASES,
    "feed": DATABASES[:1],
    "publish": DATABASES[:1],
    "history": DATABASES,
    "chat": DATABASES,
    "analyze": DATABASES[:1],
    "file": DATABASES[:1],
    "export": DATABASES[:1],
}
WITH_WORKERS = ("spawn", "throughput")


def main(arguments: list[str]) -> int:
    """Run; 0 whatever the figures are, 2 for arguments that make no sense."""
    name, *databases = arguments or [""]
    if name not in NAMES or not set(databases) <= set(DATABASES):
        print(__doc__, f"NAME is one of {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    for database in databases or NAMES[name]:
        try:
            _run(name, database)
        except Unavailable as reason:
            print(f"bench {name}: left out on {database}: {reason}", flush=True)
    return 0


def _run(name: str, database: str) -> None:
    with Installation(database) as installation:
        if name in WITH_WORKERS:  # admission is its own workers
            installation.start_agents()
            installation.start_raw_celery()
        installation.run("-m", "benchmarks.measure", name, database)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
