"""The built-in tools, one a file. Each module here is loaded at start and declares its tools."""
