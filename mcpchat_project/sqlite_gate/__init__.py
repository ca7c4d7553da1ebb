"""Django's SQLite backend with a fair gate in front of every write transaction."""
