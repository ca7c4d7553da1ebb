"""Django's PostgreSQL backend, made to take any text and to notice a server that is gone."""
