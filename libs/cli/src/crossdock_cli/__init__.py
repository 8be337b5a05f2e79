"""The `crossdock` command and the supervisor of the embedded stack."""
