"""Follows a feed while it is cut, killed and wiped, and counts what was lost: `make chaos-feed`."""

import random
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from functools import partial
from pathlib import Path

from tests.chaos import entry
from tests.chaos.stage import database
from tests.chaos_feed import report, stage
from tests.chaos_feed.evidence import KINDS, Evidence
from tests.chaos_feed.killer import Amounts
from tests.chaos_feed.verdict import judge

AMOUNTS = (("bursts", 4), ("cuts", 20), ("broker-kills", 5), ("web-kills", 5), ("wipes", 5))
SIZES = (("clients", 30), ("events", 5000), ("speakers", 3), ("webs", 2))


def main() -> int:
    """Play a run, print what came of it, and return 1 if a promise was broken."""
    return entry.run("mcpchat-chaos-feed-", partial(_play, _arguments()), judge, report.lines)


def _play(arguments: Namespace, folder: Path) -> Evidence:
    with (
        database(arguments.database, arguments.database_url) as named_database,
        stage.installation(folder, named_database) as house,
        stage.web_processes(house, arguments.webs, folder) as webs,
    ):
        # Only now is Django set up on the installation's data.
        from tests.chaos_feed.run import Plan, Run

        engine = "PostgreSQL" if "DATABASE_URL" in named_database else "SQLite"
        print(f"On {engine}, SEED={arguments.seed}, in {folder}", flush=True)
        plan = Plan(
            clients=arguments.clients,
            kinds=arguments.kinds,
            events=arguments.events,
            speakers=arguments.speakers,
            amounts=Amounts(**{name: getattr(arguments, name) for name in Amounts.__dataclass_fields__}),
            seed=arguments.seed,
        )
        return Run(house, webs, folder, plan).play()


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.chaos_feed", description=__doc__)
    for name, default in AMOUNTS:
        parser.add_argument(f"--{name}", type=entry.whole, default=default, metavar="N")
    for name, default in SIZES:
        parser.add_argument(f"--{name}", type=_positive, default=default, metavar="N")
    parser.add_argument("--kinds", type=_kinds, default=KINDS, help=f"some of {','.join(KINDS)}")
    parser.add_argument("--seed", type=entry.whole, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="sqlite")
    parser.add_argument("--database-url", default="", help="an empty PostgreSQL database to use instead")
    return parser.parse_args()


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(text.split(","))
    if unknown := set(kinds) - set(KINDS):
        raise ArgumentTypeError(f"no such kind: {', '.join(sorted(unknown))}")
    return kinds


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("less than one")
    return number


if __name__ == "__main__":
    sys.exit(main())
