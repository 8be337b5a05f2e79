"""`POST …/graphql.json`: parsed and validated against the schema, executed, priced, answered with 200."""

import json
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from pydantic import BaseModel, ConfigDict, Field

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.shopify.resolvers import Resolvers, parse_url
from crossdock_sandbox.shopify.store import Store

QUERY_CHARACTERS = 50_000
KEPT_DOCUMENTS = 200
MUTATION_COST = 10
BUCKET_SECONDS = 20  # the bucket holds twenty seconds' worth of points


class GraphQLRequest(BaseModel):
    """The JSON body of a GraphQL call over HTTP."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(min_length=1, max_length=QUERY_CHARACTERS)
    variables: dict[str, Any] | None = None
    operationName: str | None = None


@dataclass(slots=True)
class Bucket:
    """Shopify's leaky bucket of cost points, one per shop."""

    points_per_s: float
    available: float = 0.0
    seen_at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.available = self.maximum

    @property
    def maximum(self) -> float:
        return self.points_per_s * BUCKET_SECONDS

    def take(self, points: int) -> bool:
        """Pay, if enough has flowed back since the last call."""
        now = time.monotonic()
        self.available = min(self.maximum, self.available + (now - self.seen_at) * self.points_per_s)
        self.seen_at = now
        if points > self.available:
            return False
        self.available -= points
        return True


@dataclass(frozen=True, slots=True)
class Document:
    """A checked document; `operation` is the root field's name, several joined by "+"."""

    node: DocumentNode | None
    errors: tuple[GraphQLError, ...]
    operation: str
    cost: int


class GraphQLApi:
    """Documents are parsed and validated once and kept: clients send the same few over and over."""

    def __init__(self, store: Store, points_per_s: float) -> None:
        self._store = store
        self._points_per_s = points_per_s
        self._schema = _schema()
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self._buckets: dict[str, Bucket] = {}

    def document(self, query: str) -> Document:
        known = self._documents.get(query)
        if known is not None:
            self._documents.move_to_end(query)
            return known
        document = self._checked(query)
        self._documents[query] = document
        if len(self._documents) > KEPT_DOCUMENTS:
            self._documents.popitem(last=False)
        return document

    def execute(self, shop: str, request: GraphQLRequest, document: Document) -> Answer:
        if document.node is None or document.errors:
            return Answer({"errors": [error.formatted for error in document.errors]}, outcome="invalid")
        bucket = self._bucket(shop)
        if not bucket.take(document.cost):
            return self.throttled(shop, document.cost)
        resolvers = Resolvers(self._store, shop)
        result = execute_sync(
            self._schema,
            document.node,
            root_value=resolvers.root(),
            variable_values=request.variables,
            operation_name=request.operationName,
        )
        content: dict[str, Any] = {"data": result.data}
        if result.errors:
            content["errors"] = [error.formatted for error in result.errors]
        content["extensions"] = {"cost": self._cost(bucket, document.cost, document.cost)}
        outcome = "error" if result.errors else "refused" if resolvers.refusals else "ok"
        return Answer(
            content,
            outcome=outcome,
            reference=",".join(resolvers.references) or None,
            detail=_detail(shop, request, resolvers),
        )

    def throttled(self, shop: str, cost: int) -> Answer:
        """Shopify's word for "too fast": HTTP 200, an error THROTTLED, and the state of the bucket."""
        error = {
            "message": "Throttled",
            "extensions": {
                "code": "THROTTLED",
                "documentation": "https://shopify.dev/api/usage/rate-limits",
            },
        }
        extensions = {"cost": self._cost(self._bucket(shop), cost, None)}
        return Answer({"errors": [error], "extensions": extensions}, outcome="throttled")

    def _bucket(self, shop: str) -> Bucket:
        return self._buckets.setdefault(shop, Bucket(self._points_per_s))

    def _cost(self, bucket: Bucket, requested: int, actual: int | None) -> dict[str, Any]:
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": bucket.maximum,
                "currentlyAvailable": int(bucket.available),
                "restoreRate": bucket.points_per_s,
            },
        }

    def _checked(self, query: str) -> Document:
        try:
            node = parse(query, max_tokens=5000)
        except GraphQLError as error:
            return Document(None, (error,), "invalid", 0)
        errors = tuple(validate(self._schema, node))
        operations = [one for one in node.definitions if isinstance(one, OperationDefinitionNode)]
        fields = [
            one.name.value
            for operation in operations
            for one in operation.selection_set.selections
            if isinstance(one, FieldNode)
        ]
        mutations = sum(one.operation.value == "mutation" for one in operations)
        cost = MUTATION_COST * mutations or query.count("{")
        return Document(node, errors, "+".join(fields[:10]) or "invalid", cost)


def _detail(shop: str, request: GraphQLRequest, resolvers: Resolvers) -> dict[str, object]:
    given = (request.variables or {}).get("fulfillment")
    tracking = given.get("trackingInfo") if isinstance(given, dict) else None
    detail: dict[str, object] = {"shop": shop}
    if isinstance(tracking, dict):
        detail["tracking"] = tracking
    if resolvers.refusals:
        detail["user_errors"] = resolvers.refusals
    return detail


def _schema() -> GraphQLSchema:
    text = resources.files("crossdock_sandbox.shopify").joinpath("schema.graphql").read_text("utf-8")
    schema = build_schema(text)
    url = schema.type_map["URL"]
    if isinstance(url, GraphQLScalarType):
        url.coerce_input_value = parse_url
    return schema


def parsed_request(body: bytes) -> GraphQLRequest:
    """The call. Raises pydantic.ValidationError or UnicodeDecodeError."""
    return GraphQLRequest.model_validate(json.loads(body.decode()))
