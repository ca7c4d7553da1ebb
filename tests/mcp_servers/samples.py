"""`mcpServers` JSON as the documentation of real servers and clients has it."""

EVERYTHING = """{"mcpServers": {
  "everything": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-everything"]}}}"""
FILESYSTEM = """{"mcpServers": {
  "filesystem": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem",
    "/Users/username/Desktop", "/path/to/other/allowed/dir"]}}}"""
GIT = """{"mcpServers": {
  "git": {"command": "uvx", "args": ["mcp-server-git", "--repository", "path/to/git/repo"]}}}"""
DOCKER = """{"mcpServers": {
  "brave-search": {"command": "docker", "args": ["run", "-i", "--rm", "-e", "BRAVE_API_KEY",
    "mcp/brave-search"],
    "env": {"BRAVE_API_KEY": "sk-very-secret-0123"}}}}"""
HTTP = """{"mcpServers": {
  "github": {"type": "http", "url": "https://8.8.8.8/mcp/",
    "headers": {"Authorization": "Bearer sk-very-secret-0123"}}}}"""
WINDSURF = """{"mcpServers": {"Remote HTTP": {"serverUrl": "https://8.8.4.4/mcp", "disabled": true,
  "alwaysAllow": ["read"]}}}"""
VS_CODE = """{"servers": {"play": {"type": "stdio", "command": "npx", "args": ["@playwright/mcp@latest"]}}}"""
EVERY = (EVERYTHING, FILESYSTEM, GIT, DOCKER, HTTP, WINDSURF, VS_CODE)
