"""What each command of `crossdock` does, from its arguments to its exit code."""
