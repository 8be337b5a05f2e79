"""What a person has to see in this service, counted for the gauges of the work role: see chassis, backlog.py.

Each statement is served by a partial index of what is open.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

WORKLISTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unknown_mails": """
            select count(*) as items,
                   extract(epoch from crossdock_now() - min(attempt_started_at))::double precision as age_s
            from message where state = 'outcome_unknown'
        """,
        "failed_mails": """
            select count(*) as items,
                   extract(epoch from crossdock_now() - min(updated_at))::double precision as age_s
            from message where state = 'failed'
        """,
    }
)
