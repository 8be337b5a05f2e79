"""Seeded bugs in the mechanisms, and the proof that the tests notice each of them. README.md explains it."""
