"""Connections to MCP servers.

`server`, `results` and `errors` are plain data that every process may import; `hub` knows the SDK and belongs to the
chat worker's event loop alone.
"""
