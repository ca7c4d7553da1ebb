"""The one-command start: runs every process of an installation on this machine, restarts what dies and
leaves nothing behind. `start.py` has the order of events, `processes.py` the list of processes."""
