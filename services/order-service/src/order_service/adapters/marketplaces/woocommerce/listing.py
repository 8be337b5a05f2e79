"""Orders that have changed, in the form of their webhooks, page by page.

The pages of one time go by number, but an order that changes meanwhile leaves its page, and those behind it
move up unseen. So a page begins at the time where the last one ended, and is numbered only within a second.

Source: the fact sheet's section on what WooCommerce expects back (`modified_after`, `dates_are_gmt`), and
developer.woocommerce.com, REST API v3 "List all orders", read 2026-11-22. What of it is unconfirmed is in
README.md.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import TypeAdapter

from order_service.adapters.marketplaces.woocommerce import wire
from order_service.adapters.marketplaces.woocommerce.client import WooCommerceGateway, read
from order_service.use_cases.marketplace import Listed, MarketplaceUnavailable

#: Orders on a page. WooCommerce gives up to 100; these stay well below the bytes that we take.
PAGE: Final = 50
SECOND: Final = timedelta(seconds=1)
_BODIES: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[str, Any]])
_CHANGES: TypeAdapter[list[wire.Changed]] = TypeAdapter(list[wire.Changed])


class WooCommerceLister:
    def __init__(self, gateway: WooCommerceGateway) -> None:
        self._gateway = gateway

    async def list_changed(self, since: datetime, until: datetime, cursor: str | None) -> Listed:
        """Orders by when they were changed, the longest ago first. Safe to repeat."""
        after, page = _place(cursor) if cursor else (since, 1)
        query = {
            # Whether the bounds belong to the span is not written down: a second more holds both.
            "modified_after": _at(after - SECOND),
            "modified_before": _at(until + SECOND),
            "dates_are_gmt": "true",
            "orderby": "modified",
            "order": "asc",
            "per_page": str(PAGE),
            "page": str(page),
        }
        answer = await self._gateway.ask(f"/wc/v3/orders?{urlencode(query)}")
        bodies, changes = read(_BODIES, answer), read(_CHANGES, answer)
        following = next_place([one.date_modified_gmt for one in changes], after, page)
        return Listed(orders=[json.dumps(one).encode() for one in bodies], cursor=following)


def next_place(times: Sequence[datetime | None], after: datetime, page: int) -> str | None:
    """Where the next page begins, from the times of this one: `<time>/<number of the page>`."""
    if len(times) < PAGE:
        return None
    last = times[-1] or after
    return f"{last.isoformat()}/1" if last > after + SECOND else f"{after.isoformat()}/{page + 1}"


def _place(cursor: str) -> tuple[datetime, int]:
    after, _, page = cursor.partition("/")
    try:
        return datetime.fromisoformat(after), int(page)
    except ValueError as error:
        raise MarketplaceUnavailable("the place in the list of orders is lost") from error


def _at(moment: datetime) -> str:
    """UTC without an offset."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
