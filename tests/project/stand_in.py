"""A supervisor of small programs: `python -m tests.project.stand_in FOLDER`.

FOLDER/processes.json lists them: `[{"name", "code", "forked"}]`, each a Python program to run with FOLDER as
its working directory. It prints what the real one says, and ends as it does.
"""

import json
import sys
from contextlib import ExitStack
from pathlib import Path

from mcpchat_project.address import Address
from mcpchat_project.supervisor.child import Forked
from mcpchat_project.supervisor.errors import StartError
from mcpchat_project.supervisor.exclusive import Lock
from mcpchat_project.supervisor.processes import Process
from mcpchat_project.supervisor.signals import Signals
from mcpchat_project.supervisor.supervisor import Supervisor
from mcpchat_project.supervisor.terminal import say, take_foreground


def main(folder: Path) -> int:
    """Run the listed processes until a signal."""
    with ExitStack() as cleanup:
        try:
            return _run(folder, cleanup)
        except Forked as forked:
            cleanup.pop_all()
            code = forked.process.command[2]
        except StartError as error:
            print(error, file=sys.stderr)
            return 1
    exec(code, {})
    return 0


def _run(folder: Path, cleanup: ExitStack) -> int:
    signals = Signals()
    cleanup.callback(take_foreground())
    lock = Lock(folder / "lock")
    lock.take(Address(host="127.0.0.1", port=8000).url)
    cleanup.callback(lock.release)
    supervisor = Supervisor(folder=folder, log_folder=folder, signals=signals, say=say)
    cleanup.callback(supervisor.stop)
    for item in json.loads((folder / "processes.json").read_text()):
        process = Process(name=item["name"], command=(sys.executable, "-c", item["code"]))
        supervisor.start(process, forked=item.get("forked", False))
    say("started")
    while not signals.stop_requests:
        supervisor.tend(60)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
