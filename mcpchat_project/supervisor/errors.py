class StartError(Exception):
    """The start cannot go on; the text is one sentence for people that says why and what to do."""
