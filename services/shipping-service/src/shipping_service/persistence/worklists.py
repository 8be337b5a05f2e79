"""What a person has to see in this service, counted for the gauges of the work role: see chassis, backlog.py.

Each statement is served by a partial index of what is open.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

WORKLISTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "shipment_exceptions": """
            select count(*) as items,
                   extract(epoch from crossdock_now() - min(raised_at))::double precision as age_s
            from shipment_exception where resolved_at is null and code <> 'label_outcome_unknown'
        """,
        "unknown_labels": """
            select count(*) as items,
                   extract(epoch from crossdock_now() - min(raised_at))::double precision as age_s
            from shipment_exception where resolved_at is null and code = 'label_outcome_unknown'
        """,
    }
)
