"""The HTTP API for people, tools and the console."""
