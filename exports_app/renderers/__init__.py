"""The renderers, one a file. Each module here is loaded at start and declares its format."""
