"""17TRACK's error codes and carrier numbers.

Source: help.17track.net, "Error Codes and Troubleshooting", and the API documentation v2.2
(asset.17track.net/api/document/v2.2_en), read 2026-11-22. The carrier numbers are those on which several
public integrations agree; 17TRACK's own list was not read.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# -- of a call as a whole

#: The address we call from is not on the list, the key is wrong, the account is disabled, not authorized.
ACCOUNT: Final = frozenset({-18010001, -18010002, -18010004, -18010005})
#: What was sent does not fit: missing, invalid, out of form, too many.
INVALID: Final = range(-18010022, -18010009)

# -- of one number

REGISTERED_BEFORE: Final = -18019901
NO_NEWS_YET: Final = -18019909

#: A carrier's `plain_name` -> its number at 17TRACK.
CARRIER_KEYS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "chinapost": 3011,
        "usps": 21051,
        "dhlexpress": 100001,
        "ups": 100002,
        "fedex": 100003,
    }
)
