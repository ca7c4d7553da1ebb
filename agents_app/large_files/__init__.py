"""Files of any size: what they are, what is in them, and other files made of them, in constant memory."""
