"""docker-compose.yml run without Docker: each service's own command, as processes of this machine."""
