"""What the service does, one verb per file. Knows the contracts, never the chassis."""
