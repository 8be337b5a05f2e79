"""A new marketplace is one new folder here; marketplace_registry.py finds it."""
