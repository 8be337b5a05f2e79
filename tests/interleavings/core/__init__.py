"""The four services' use cases and domains over rows in memory: no database, no broker, no loop."""
