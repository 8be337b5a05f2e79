"""What a person has to see in this service, counted for the gauges of the work role: see chassis, backlog.py.

Each statement is served by a partial index of what is open.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

WORKLISTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "order_exceptions": """
            select count(*) as items,
                   extract(epoch from crossdock_now() - min(raised_at))::double precision as age_s
            from order_exception where resolved_at is null and code <> 'write_back_overdue'
        """,
        "write_back_overdue": """
            select count(*) as items,
                   extract(epoch from crossdock_now() - min(raised_at))::double precision as age_s
            from order_exception where resolved_at is null and code = 'write_back_overdue'
        """,
        "failed_messages": """
            select count(*) as items,
                   extract(epoch from crossdock_now() - min(received_at))::double precision as age_s
            from inbound_message where state = 'failed'
        """,
        "refused_accounts": """
            select count(*) as items,
                   extract(epoch from crossdock_now() - min(updated_at))::double precision as age_s
            from account_token where refused_because is not null
        """,
        "polls_that_fail": """
            select count(*) as items,
                   extract(epoch from crossdock_now() - min(read_until))::double precision as age_s
            from account_poll where failures > 0 and next_at is not null
        """,
        "refused_stock": """
            select count(*) as items,
                   extract(epoch from crossdock_now() - min(told_at))::double precision as age_s
            from stock_listing where refused is not null
        """,
    }
)
