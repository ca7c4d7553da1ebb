"""The real thing: supervisor, broker, workers, web, a git server, a browser."""
