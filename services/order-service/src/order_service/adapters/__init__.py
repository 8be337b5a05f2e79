"""The outside world: one folder per marketplace."""
