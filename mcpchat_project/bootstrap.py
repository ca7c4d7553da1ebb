"""Sets up .venv: `python mcpchat_project/bootstrap.py [requirements-dev.txt]`.

Any Python must be able to read this file, down to 2.7, to say that it is too old. The work is in
`installation.py`, in today's language; both use the standard library alone.
"""

import os
import runpy
import sys

OLDEST = (3, 11)

if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.exit(
            "MCP Chat needs Python 3.11 or newer, but {0} is Python {1}. "
            "Install a newer one, or name one: make PYTHON=/path/to/python3.11".format(
                sys.executable, ".".join(str(part) for part in sys.version_info[:3])
            )
        )
    folder = os.path.dirname(os.path.abspath(__file__))
    # The modules beside this file (celery.py, settings.py) must not stand in for packages of that name.
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != folder]
    runpy.run_path(os.path.join(folder, "installation.py"), run_name="__main__")
