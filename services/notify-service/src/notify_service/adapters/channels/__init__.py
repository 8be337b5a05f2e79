"""One folder per channel; see channel_registry.py."""
