"""A chat as one JSON document, which this server or another one takes back: schema, reading, restoring."""
