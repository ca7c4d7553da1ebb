"""Follows a feed while it is cut, killed and wiped, and counts what was lost: `make chaos-feed`."""

import random
import shutil
import signal
import sys
import tempfile
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from tests.chaos.stage import database
from tests.chaos_feed import report, stage
from tests.chaos_feed.evidence import KINDS, Evidence
from tests.chaos_feed.killer import Amounts
from tests.chaos_feed.verdict import judge
from tests.postgres import Unavailable

AMOUNTS = (("bursts", 4), ("cuts", 20), ("broker-kills", 5), ("web-kills", 5), ("wipes", 5))
SIZES = (("clients", 30), ("events", 5000), ("speakers", 3), ("webs", 2))


def main() -> int:
    """Play a run, print what came of it, and return 1 if a promise was broken."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="mcpchat-chaos-feed-"))
    try:
        evidence = _play(arguments, folder)
    except Unavailable as reason:
        print(reason, file=sys.stderr)
        return _removed(folder, 1)
    except (KeyboardInterrupt, SystemExit):
        print("Stopped.", file=sys.stderr)
        return _removed(folder, 130)
    verdict = judge(evidence)
    if not verdict.held:
        print(f"Logs and ledgers are kept in {folder}", flush=True)
    print("\n".join(report.lines(evidence, verdict)), flush=True)
    return _removed(folder, 0) if verdict.held else 1


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


def _removed(folder: Path, exit_code: int) -> int:
    shutil.rmtree(folder, ignore_errors=True)
    return exit_code


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.chaos_feed", description=__doc__)
    for name, default in AMOUNTS:
        parser.add_argument(f"--{name}", type=_whole, default=default, metavar="N")
    for name, default in SIZES:
        parser.add_argument(f"--{name}", type=_positive, default=default, metavar="N")
    parser.add_argument("--kinds", type=_kinds, default=KINDS, help=f"some of {','.join(KINDS)}")
    parser.add_argument("--seed", type=_whole, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="sqlite")
    parser.add_argument("--database-url", default="", help="an empty PostgreSQL database to use instead")
    return parser.parse_args()


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(text.split(","))
    if unknown := set(kinds) - set(KINDS):
        raise ArgumentTypeError(f"no such kind: {', '.join(sorted(unknown))}")
    return kinds


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("negative")
    return number


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("less than one")
    return number


if __name__ == "__main__":
    sys.exit(main())
