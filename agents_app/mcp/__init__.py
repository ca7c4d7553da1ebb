"""Connections to MCP servers.

`server`, `results`, `reports` and `errors` are plain data that every process may import; the rest knows the
SDK, and `hub` is its door: it belongs to the event loop of the chat worker.
"""
