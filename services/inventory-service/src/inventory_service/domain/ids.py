"""Ids that are the same whenever the same thing is named, so that what is done again is known again."""

import hashlib
from uuid import UUID


def derived_id(parent: UUID, *names: object) -> UUID:
    """The id of what `names` name below `parent`: a UUIDv7 with the parent's time, to sort with it."""
    told = "\0".join(str(one) for one in (parent, *names))
    digest = int.from_bytes(hashlib.sha256(told.encode()).digest()[:10])
    fixed = (parent.int >> 80 << 80) | (0x7 << 76) | (0b10 << 62)
    return UUID(int=fixed | (digest >> 68 << 64) | (digest & (2**62 - 1)))
