"""Reports on what was said, done and spent: the tool `generate_report`."""
