"""Kills a whole installation again and again while it works: `make chaos`."""

import random
import shutil
import signal
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from tests.chaos import report, stage
from tests.chaos.evidence import Evidence
from tests.chaos.verdict import judge
from tests.postgres import Unavailable


def main() -> int:
    """Play a run, print what came of it, and return 1 if an invariant broke."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = Path(tempfile.mkdtemp(prefix="mcpchat-chaos-"))
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


def _removed(folder: Path, exit_code: int) -> int:
    shutil.rmtree(folder, ignore_errors=True)
    return exit_code


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    for name, default in (("subagents", 10_000), ("kills", 200), ("redis-kills", 10), ("wipes", 1)):
        parser.add_argument(f"--{name}", type=_whole, default=default, metavar="N")
    parser.add_argument("--seconds", type=float, default=3600, help="the run ends after these at the latest")
    parser.add_argument("--seed", type=_whole, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--database", choices=("", "postgres", "sqlite"), default="")
    parser.add_argument("--database-url", default="", help="an empty PostgreSQL database to use instead")
    return parser.parse_args()


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("negative")
    return number


if __name__ == "__main__":
    sys.exit(main())
