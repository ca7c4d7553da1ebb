"""What a report consists of: each module writes one section, block by block, so that a stop is heeded."""
