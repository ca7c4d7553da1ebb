"""What is not trusted: programs that end with all that they started, and addresses that are public."""
