"""Faults on purpose, at named places of a process. For tests: nothing that is deployed installs it."""
