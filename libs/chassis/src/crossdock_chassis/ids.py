"""Ids are UUIDv7 (RFC 9562): made here, sortable by time, cheap to index."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh id. Begins with the milliseconds since 1970, which the inbox is partitioned by."""
    return uuid7()


def made_at_s(made: UUID) -> float:
    """When an id of ours was made, in seconds since 1970, by the clock of the machine that made it."""
    return (made.int >> 80) / 1000
