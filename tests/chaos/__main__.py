"""Kills a whole installation again and again while it works: `make chaos`."""

import random
import sys
from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path

from tests.chaos import entry, report, stage
from tests.chaos.evidence import Evidence
from tests.chaos.verdict import judge


def main() -> int:
    """Play a run, print what came of it, and return 1 if an invariant broke."""
    return entry.run("mcpchat-chaos-", partial(_play, _arguments()), judge, report.lines)


def _play(arguments: Namespace, folder: Path) -> Evidence:
    with stage.database(arguments.database, arguments.database_url) as named_database:
        with stage.installation(folder, named_database) as house:
            # Only now is Django set up on the installation's data.
            from tests.chaos.run import Plan, Run

            names = ("subagents", "kills", "redis_kills", "wipes", "seconds", "seed")
            plan = Plan(**{name: getattr(arguments, name) for name in names})
            engine = "PostgreSQL" if "DATABASE_URL" in named_database else "SQLite"
            print(f"On {engine}, SEED={plan.seed}, in {folder}", flush=True)
            evidence = Run(house, folder, plan).play()
        return _with_survivors(evidence, folder)


def _with_survivors(evidence: Evidence, folder: Path) -> Evidence:
    """Add what the installation left behind when it was stopped."""
    from tests.chaos.gathering import processes_of

    survivors = [f"process {pid} after the stop" for pid in processes_of(folder)]
    evidence.leftovers = [*evidence.leftovers, *survivors]
    return evidence


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    for name, default in (("subagents", 10_000), ("kills", 200), ("redis-kills", 10), ("wipes", 1)):
        parser.add_argument(f"--{name}", type=entry.whole, default=default, metavar="N")
    parser.add_argument("--seconds", type=float, default=3600, help="the run ends after these at the latest")
    parser.add_argument("--seed", type=entry.whole, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--database", choices=("", "postgres", "sqlite"), default="")
    parser.add_argument("--database-url", default="", help="an empty PostgreSQL database to use instead")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
