"""What the service listens to: a file per publishing service, each with one table of handlers."""
