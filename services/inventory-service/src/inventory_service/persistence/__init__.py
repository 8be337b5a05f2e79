"""The service's PostgreSQL: rows behind the Protocols of use_cases/ports.py."""
