"""Files of messages in an export: pictures to be seen, anything else by name and size."""
