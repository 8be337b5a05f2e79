"""The outside world: carriers."""
