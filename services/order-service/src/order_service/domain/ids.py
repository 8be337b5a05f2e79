"""Ids that are the same whenever the same thing is named, so that what is done again is known again."""

import hashlib
from datetime import datetime
from uuid import UUID


def derived_id(parent: UUID, *names: object) -> UUID:
    """The id of what `names` name below `parent`: a UUIDv7 with the parent's time, to sort with it."""
    told = "\0".join(str(one) for one in (parent, *names))
    digest = int.from_bytes(hashlib.sha256(told.encode()).digest()[:10])
    fixed = (parent.int >> 80 << 80) | (0x7 << 76) | (0b10 << 62)
    return UUID(int=fixed | (digest >> 68 << 64) | (digest & (2**62 - 1)))


def order_id_of(platform: str, shop_ref: str, external_id: str, placed_at: datetime) -> UUID:
    """The same for the same order of the same shop, even where a restore left nothing of its first import.

    Begins with the time the order was placed at.
    """
    placed_ms = max(0, round(placed_at.timestamp() * 1000)) & (2**48 - 1)
    return derived_id(UUID(int=placed_ms << 80), platform, shop_ref, external_id)
