"""What order-service does, one verb per file."""
