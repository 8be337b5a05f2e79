"""`crossdock up`: which processes there are, what they are told, and the order they start and stop in."""
