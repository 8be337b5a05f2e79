"""The embedded stack: PostgreSQL and a Kafka-protocol broker as ordinary child processes, no Docker."""
