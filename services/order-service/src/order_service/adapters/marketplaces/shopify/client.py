"""Calls to one shop's Admin API: authentication, bounds, errors."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import httpx
from pydantic import ValidationError

from order_service.adapters.marketplaces.shopify import mapping, wire
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceRefused,
    MarketplaceUnavailable,
    Meter,
    Quota,
    TokenExpired,
    Tracking,
)
from order_service.use_cases.ports import Account

T = TypeVar("T", bound=wire.Wire)

ANSWER_BYTES: Final = 4 * 1024 * 1024
#: The two APIs have a limit each: REST calls, and points of which a GraphQL change costs ten. Both are those
#: of the smallest plan until an answer tells the shop's own; a shop that is asked too much says so besides.
#: Source: shopify.dev, "API limits" and "REST Admin API rate limits", read 2026-11-22.
REST: Final = "rest"
GRAPHQL: Final = "graphql"
QUOTAS: Final = {REST: Quota(rate_per_s=2, burst=40), GRAPHQL: Quota(rate_per_s=10, burst=100)}
POINTS_PER_CALL: Final = 10
#: A bucket of REST calls is refilled in so many seconds, on every plan.
REFILL_S: Final = 20
_CALL_LIMIT: Final = re.compile(r"\d{1,6}/(\d{1,6})")

SHOP_QUERY: Final = "query Shop { shop { myshopifyDomain } }"
FULFILMENTS_QUERY: Final = """
query Fulfilments($id: ID!) {
  order(id: $id) {
    id
    cancelledAt
    fulfillments(first: 100) { id status trackingInfo(first: 10) { number } }
    fulfillmentOrders(first: 20) {
      nodes {
        id
        status
        lineItems(first: 100) {
          nodes { id remainingQuantity lineItem { id } }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }
}
"""
LINES_QUERY: Final = """
query Lines($id: ID!, $after: String) {
  fulfillmentOrder(id: $id) {
    lineItems(first: 100, after: $after) {
      nodes { id remainingQuantity lineItem { id } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
#: Of one order's lines: a bound, not a limit of theirs. What is beyond is not found, and a person is told.
MOST_PAGES: Final = 50
FULFIL_MUTATION: Final = """
mutation Fulfil($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status trackingInfo(first: 10) { number } }
    userErrors { field message }
  }
}
"""


class ShopifyGateway:
    """One shop. The GraphQL Admin API, and its REST twin for the one thing whose shape is the webhook's.

    Source: shopify.dev, GraphQL Admin API "fulfillmentCreate", "API limits", read 2026-11-21.
    """

    def __init__(
        self, http: httpx.AsyncClient, account: Account, meter: Meter, *, api_version: str, timeout_s: float
    ) -> None:
        self._http = http
        self._meter = meter
        self._admin = f"{base_url(account)}/admin/api/{api_version}"
        self._timeout_s = timeout_s
        self._expires = account.tokens is not None
        self._token = account.tokens.access_token if account.tokens else account.secrets.access_token
        self._learned: set[str] = set()

    async def write_back(self, tracking: Tracking) -> str:
        """Make the fulfilment of one parcel; its GraphQL id.

        Safe to repeat: the shop is asked first, and a fulfilment that carries the number already is the
        answer.
        """
        answer = await self.graphql(FULFILMENTS_QUERY, {"id": mapping.order_gid(tracking.external_id)})
        order = _parse(wire.OrderData, answer).order
        if order is None:
            raise MarketplaceRefused("order_not_found")
        known = mapping.already_there(order, tracking.tracking_number)
        if known is not None:
            return known
        if order.cancelledAt is not None:
            raise MarketplaceRefused("order_cancelled")
        fulfilment = mapping.to_fulfilment(await self._with_all_lines(order), tracking)
        if fulfilment is None:
            raise MarketplaceRefused("units_not_fulfillable")
        answer = await self.graphql(FULFIL_MUTATION, {"fulfillment": fulfilment}, changes=True)
        try:
            created = wire.FulfillmentCreateData.model_validate(answer).fulfillmentCreate
        except ValidationError as error:
            raise MarketplaceOutcomeUnknown("the answer to fulfillmentCreate cannot be read") from error
        if created is not None and created.userErrors:
            fields = {".".join(one.field or ()) or "fulfillment" for one in created.userErrors}
            raise MarketplaceRefused("user_error: " + ", ".join(sorted(fields))[:200])
        if created is None or created.fulfillment is None:
            raise MarketplaceOutcomeUnknown("fulfillmentCreate answered neither a fulfilment nor an error")
        return created.fulfillment.id

    async def _with_all_lines(self, order: wire.OrderFulfillments) -> wire.OrderFulfillments:
        """The lines of a long order come by pages."""
        pages = 0
        complete = []
        for one in order.fulfillmentOrders.nodes:
            lines, page = list(one.lineItems.nodes), one.lineItems.pageInfo
            while page.hasNextPage and pages < MOST_PAGES:
                pages += 1
                answer = await self.graphql(LINES_QUERY, {"id": one.id, "after": page.endCursor})
                found = _parse(wire.FulfillmentOrderData, answer).fulfillmentOrder
                if found is None:
                    raise MarketplaceUnavailable("a fulfilment order went away while it was read")
                lines += found.lineItems.nodes
                page = found.lineItems.pageInfo
            whole = one.lineItems.model_copy(update={"nodes": tuple(lines)})
            complete.append(one.model_copy(update={"lineItems": whole}))
        orders = order.fulfillmentOrders.model_copy(update={"nodes": tuple(complete)})
        return order.model_copy(update={"fulfillmentOrders": orders})

    async def shop_of_credentials(self) -> str:
        """The shop's myshopify.com domain, as the token opens it."""
        return _parse(wire.ShopData, await self.graphql(SHOP_QUERY, {})).shop.myshopifyDomain

    async def fetch_order(self, external_id: str) -> bytes:
        """The order in the shape of the webhooks: REST's answer without its wrapper."""
        response = await self.rest(f"/orders/{external_id}.json")
        try:
            order = wire.OrderEnvelope.model_validate_json(response.content).order
        except ValidationError as error:
            raise MarketplaceUnavailable("the order's answer cannot be read") from error
        return json.dumps(order).encode()

    async def graphql(
        self, query: str, variables: Mapping[str, object], *, changes: bool = False
    ) -> Mapping[str, object]:
        """The `data` of an answer without errors. Costs are points; an empty bucket answers THROTTLED."""
        body = {"query": query, "variables": variables}
        await self._meter.take(GRAPHQL)
        response = await self._send("POST", "/graphql.json", body=body, changes=changes)
        try:
            answer = wire.Answer.model_validate_json(response.content)
        except ValidationError as error:
            raise _lost("the answer is not GraphQL", changes) from error
        status = answer.extensions.cost.throttleStatus if answer.extensions.cost else None
        if status is not None:
            await self._learn(GRAPHQL, status.restoreRate / POINTS_PER_CALL)
        if any(one.extensions.code == "THROTTLED" for one in answer.errors):
            raise MarketplaceUnavailable("shopify asked us to slow down", retry_after_s=_refill_s(answer))
        if answer.errors:
            code = answer.errors[0].extensions.code or "graphql_error"
            if code in {"INTERNAL_SERVER_ERROR", "TIMEOUT"}:
                raise _lost(f"shopify failed: {code}", changes)
            raise MarketplaceRefused(code[:100])
        if answer.data is None:
            raise _lost("the answer has neither data nor errors", changes)
        return answer.data

    async def rest(self, path: str, query: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer to a question of REST. A full bucket answers 429."""
        await self._meter.take(REST)
        response = await self._send("GET", path, query=query, changes=False)
        limit = _CALL_LIMIT.fullmatch(response.headers.get("X-Shopify-Shop-Api-Call-Limit", ""))
        if limit is not None:
            await self._learn(REST, int(limit[1]) / REFILL_S)
        return response

    async def _learn(self, operation: str, rate_per_s: float) -> None:
        if operation not in self._learned:
            self._learned.add(operation)
            await self._meter.learn(operation, rate_per_s)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        changes: bool,
    ) -> httpx.Response:
        if self._token is None:
            raise MarketplaceRefused("account_has_no_access_token")
        try:
            response = await self._http.request(
                method,
                self._admin + path,
                params=query,
                json=body,
                headers={"X-Shopify-Access-Token": self._token, "Accept": "application/json"},
                timeout=self._timeout_s,
                follow_redirects=False,
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise MarketplaceUnavailable("shopify was not reached") from error
        except httpx.TransportError as error:
            raise _lost(f"no answer: {type(error).__name__}", changes) from error
        if response.status_code == 401 and self._expires:
            raise TokenExpired
        if response.status_code == 429:
            raise MarketplaceUnavailable(
                "shopify asked us to slow down", retry_after_s=_retry_after(response)
            )
        if response.status_code >= 500:
            raise _lost(f"HTTP {response.status_code}", changes)
        if response.status_code != 200:
            raise MarketplaceRefused(f"http_{response.status_code}")
        if len(response.content) > ANSWER_BYTES:
            raise _lost("the answer is too large", changes)
        return response


def base_url(account: Account) -> str:
    return (account.api_base_url or f"https://{account.shop_ref}").rstrip("/")


def _lost(reason: str, changes: bool) -> Exception:
    """A question can simply be asked again; of a change nobody knows whether it was made."""
    return MarketplaceOutcomeUnknown(reason) if changes else MarketplaceUnavailable(reason)


def _parse(model: type[T], data: Mapping[str, object]) -> T:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise MarketplaceUnavailable("the shop's answer cannot be read") from error


def _refill_s(answer: wire.Answer) -> float:
    """How long the bucket takes to hold what the query costs."""
    cost = answer.extensions.cost
    if cost is None or cost.throttleStatus is None or cost.throttleStatus.restoreRate <= 0:
        return 2.0
    missing = (cost.requestedQueryCost or 50) - cost.throttleStatus.currentlyAvailable
    return min(max(missing / cost.throttleStatus.restoreRate, 0.5), 60.0)


def _retry_after(response: httpx.Response) -> float:
    try:
        return min(max(float(response.headers.get("Retry-After", "2")), 0.5), 300.0)
    except ValueError:
        return 2.0
