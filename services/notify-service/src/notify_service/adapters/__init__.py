"""The outside world: channels, and the templates on disk."""
