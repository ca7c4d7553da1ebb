"""MCP servers as rows: who may add and see them, how they do, what they offer.

Nothing here connects to one: that is `agents_app/mcp/`, in the chat worker.
"""
