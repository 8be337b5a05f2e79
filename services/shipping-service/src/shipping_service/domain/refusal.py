"""A carrier's refusal in our words: what has to be mended before it is worth asking again."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Remedy(StrEnum):
    """What helps. `untranslated`: nobody has said yet what the code means; a person reads the words."""

    FIX_ADDRESS = "fix_address"
    FIX_CUSTOMS = "fix_customs"
    FIX_ACCOUNT = "fix_account"  # ours at the carrier: funds, permissions, contract
    TRY_LATER = "try_later"
    CHOOSE_ANOTHER_SERVICE = "choose_another_service"
    UNTRANSLATED = "untranslated"

    @property
    def waits(self) -> bool:
        """The same request may be taken later, without anybody changing the shipment."""
        return self in (Remedy.TRY_LATER, Remedy.FIX_ACCOUNT)


#: First part of a field of ours -> what mends it.
_BY_FIELD: Final = {
    "ship_to": Remedy.FIX_ADDRESS,
    "ship_from": Remedy.FIX_ADDRESS,
    "customs": Remedy.FIX_CUSTOMS,
    "tax_ids": Remedy.FIX_CUSTOMS,
    "incoterm": Remedy.FIX_CUSTOMS,
    "service": Remedy.CHOOSE_ANOTHER_SERVICE,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """`code` is the carrier's, `field` ours where it is known. Neither holds personal data."""

    code: str
    field: str | None
    remedy: Remedy


def remedy_of_field(field: str | None) -> Remedy:
    """The honest default for a code that no table translates: as far as the field tells, and no further."""
    return _BY_FIELD.get((field or "").partition(".")[0], Remedy.UNTRANSLATED)
