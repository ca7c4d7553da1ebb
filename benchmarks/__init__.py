"""What the promises cost: one command a claim, each against a baseline that runs in turn in the same run."""
