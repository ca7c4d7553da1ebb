"""What the tool `analyze_codebase` is made of: one concept a module, none of which knows queues or models."""
