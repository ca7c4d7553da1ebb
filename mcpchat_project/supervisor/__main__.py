import signal
import sys

# Until the supervisor listens to signals there is nothing to undo: Ctrl-C just ends it, without a traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from mcpchat_project.supervisor.start import main  # noqa: E402  # after the line above, that is the point

sys.exit(main())
