"""What a person has to see in this service, counted for the gauges of the work role: see chassis, backlog.py.

Each statement is served by a partial index of what is open.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

WORKLISTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "stock_exceptions": """
            select count(*) as items,
                   extract(epoch from statement_timestamp() - min(opened_at))::double precision as age_s
            from stock_exception where state = 'open'
        """,
    }
)
