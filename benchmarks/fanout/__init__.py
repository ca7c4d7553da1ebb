"""The parts of `make bench-feed`: three servers, their clients, and what these have heard."""
