"""The paths under /v2, the label files, and the control API for parcels."""

import json
from collections.abc import Callable, Iterable
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.control import problem, read_model
from crossdock_sandbox.easypost.errors import Refused, field_error, invalid, not_found
from crossdock_sandbox.easypost.office import Office
from crossdock_sandbox.easypost.store import Json
from crossdock_sandbox.easypost.tracking import Scan, advanced
from crossdock_sandbox.easypost.wire import BuyShipment, CreateShipment, CreateWebhook
from crossdock_sandbox.labels import MEDIA_TYPES

T = TypeVar("T", bound=BaseModel)

PAGE = 20
MOST = 100
CREATED = 201


class RefundDecision(BaseModel):
    """`POST /_sandbox/shipments/{id}/refund`: what the carrier decides, ahead of its time."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["refunded", "rejected", "not_applicable"]


class WebhookGiven(BaseModel):
    """`PUT /_sandbox/webhook`: one of the account's webhooks, registered without its key. Safe to repeat."""

    model_config = ConfigDict(extra="forbid")

    url: str
    secret: str


def api_routes(office: Office) -> list[Route]:
    store, desk = office.store, office.desk

    async def create_shipment(request: Request) -> Response:
        def work(body: bytes) -> Answer:
            shipment = desk.create(_parsed(body, CreateShipment))
            outcome = "ok" if shipment["rates"] else "no_rates"
            return Answer(shipment, CREATED, outcome, shipment["reference"], {"id": shipment["id"]})

        return await office.call(request, "shipment.create", _reference_given, work)

    async def get_shipments(request: Request) -> Response:
        query = request.query_params

        def work(_body: bytes) -> Answer:
            _only(query.keys(), {"page_size", "before_id", "purchased"})
            given = query.get("page_size", str(PAGE))
            if not given.isdecimal():
                raise field_error("BAD_REQUEST", "page_size", "a whole number")
            size = min(max(int(given), 1), MOST)
            purchased = None if "purchased" not in query else query["purchased"] == "true"
            found = store.shipments(before_id=query.get("before_id"), limit=size + 1, purchased=purchased)
            return Answer({"shipments": found[:size], "has_more": len(found) > size})

        return await office.call(request, "shipment.list", _nobody, work)

    async def get_shipment(request: Request) -> Response:
        def work(_body: bytes) -> Answer:
            return _shipment_answer(_shipment(request))

        return await office.call(request, "shipment.get", _of_path(request), work)

    async def buy_shipment(request: Request) -> Response:
        def work(body: bytes) -> Answer:
            given = _parsed(body, BuyShipment)
            base_url = str(request.base_url).rstrip("/")
            return _shipment_answer(desk.buy(_shipment(request), given, base_url))

        return await office.call(request, "shipment.buy", _of_path(request), work)

    async def refund_shipment(request: Request) -> Response:
        def work(_body: bytes) -> Answer:
            return _shipment_answer(desk.refund(_shipment(request)))

        return await office.call(request, "shipment.refund", _of_path(request), work)

    async def convert_label(request: Request) -> Response:
        def work(_body: bytes) -> Answer:
            file_format = request.query_params.get("file_format", "")
            return _shipment_answer(desk.convert_label(_shipment(request), file_format))

        return await office.call(request, "shipment.label", _of_path(request), work)

    async def get_tracker(request: Request) -> Response:
        def work(_body: bytes) -> Answer:
            tracker = store.tracker(request.path_params["id"])
            if tracker is None:
                raise not_found()
            return Answer(tracker, reference=tracker["tracking_code"])

        return await office.call(request, "tracker.get", _nobody, work)

    async def get_trackers(request: Request) -> Response:
        code = request.query_params.get("tracking_code", "")

        def work(_body: bytes) -> Answer:
            _only(request.query_params.keys(), {"tracking_code"})
            tracker = store.tracker(code)
            return Answer({"trackers": [tracker] if tracker else [], "has_more": False})

        return await office.call(request, "tracker.list", lambda _body: code, work)

    async def create_webhook(request: Request) -> Response:
        def work(body: bytes) -> Answer:
            given = _parsed(body, CreateWebhook).webhook
            return Answer(store.add_webhook(given.url, given.webhook_secret), CREATED)

        return await office.call(request, "webhook.create", _nobody, work)

    async def get_webhooks(request: Request) -> Response:
        return await office.call(
            request, "webhook.list", _nobody, lambda _body: Answer({"webhooks": store.webhooks()})
        )

    async def delete_webhook(request: Request) -> Response:
        def work(_body: bytes) -> Answer:
            if not store.remove_webhook(request.path_params["id"]):
                raise not_found()
            return Answer({})

        return await office.call(request, "webhook.delete", _nobody, work)

    async def anything_else(request: Request) -> Response:
        def work(_body: bytes) -> Answer:
            raise not_found()

        return await office.call(request, f"{request.method} {request.url.path}"[:200], _nobody, work)

    def _of_path(request: Request) -> Callable[[bytes], str]:
        """The caller's own reference of the shipment in the path, so that the books can be compared by it."""
        given = str(request.path_params["id"])
        return lambda _body: (store.shipment(given) or {}).get("reference") or given

    def _shipment(request: Request) -> Json:
        shipment = store.shipment(request.path_params["id"])
        if shipment is None:
            raise not_found()
        tracker = store.tracker(shipment["tracking_code"]) if shipment["tracking_code"] else None
        return shipment | {"tracker": tracker, "status": tracker["status"] if tracker else "unknown"}

    return [
        Route("/v2/shipments", create_shipment, methods=["POST"]),
        Route("/v2/shipments", get_shipments, methods=["GET"]),
        Route("/v2/shipments/{id}", get_shipment, methods=["GET"]),
        Route("/v2/shipments/{id}/buy", buy_shipment, methods=["POST"]),
        Route("/v2/shipments/{id}/refund", refund_shipment, methods=["POST"]),
        Route("/v2/shipments/{id}/label", convert_label, methods=["GET"]),
        Route("/v2/trackers", get_trackers, methods=["GET"]),
        Route("/v2/trackers/{id}", get_tracker, methods=["GET"]),
        Route("/v2/webhooks", create_webhook, methods=["POST"]),
        Route("/v2/webhooks", get_webhooks, methods=["GET"]),
        Route("/v2/webhooks/{id}", delete_webhook, methods=["DELETE"]),
        Route("/v2/{rest:path}", anything_else, methods=["DELETE", "GET", "PATCH", "POST", "PUT"]),
    ]


def parcel_routes(office: Office) -> list[Route]:
    store = office.store

    async def label_file(request: Request) -> Response:
        """Label files carry no authentication in the original either: the address is the secret."""
        name, _, suffix = request.path_params["name"].partition(".")
        try:
            content = office.desk.label(name, suffix) if suffix in MEDIA_TYPES else None
        except Refused:
            content = None
        if content is None:
            return problem(404, "no such label")
        shipment = store.shipment_of_label(name) or {}
        office.books.record("label.get", shipment.get("reference"), "ok", status=200, detail={"label": name})
        return Response(content, media_type=MEDIA_TYPES[suffix])

    async def advance(request: Request) -> Response:
        scan = await read_model(request, Scan)
        before = store.tracker(request.path_params["tracking_code"])
        if before is None:
            return problem(404, "no such tracker")
        after = advanced(before, scan)
        with office.books.transaction():
            store.save_tracker(after)
            sent = office.tell(
                "tracker.updated",
                after,
                {"status": before["status"]},
                after["tracking_code"],
                copies=scan.copies if scan.webhook else 0,
                signature=scan.signature,
            )
        office.deliverer.wake()
        return JSONResponse({"tracker": after, "deliveries": sent})

    async def put_webhook(request: Request) -> Response:
        given = await read_model(request, WebhookGiven)
        with office.books.transaction():
            for known in store.webhooks():
                if known["url"] == given.url:
                    store.remove_webhook(known["id"])
            store.add_webhook(given.url, given.secret)
        return Response(status_code=204)

    async def decide_refund(request: Request) -> Response:
        decision = await read_model(request, RefundDecision)
        shipment = store.shipment(request.path_params["id"])
        if shipment is None or shipment["refund_status"] != "submitted":
            return problem(404, "no such shipment with a submitted refund")
        with office.books.transaction():
            settled = office.settle(shipment, decision.status)
        office.deliverer.wake()
        return JSONResponse({"id": settled["id"], "refund_status": settled["refund_status"]})

    async def delivery_status(_request: Request) -> Response:
        return JSONResponse(office.deliverer.status())

    return [
        Route("/files/postage_label/{name}", label_file),
        Route("/_sandbox/trackers/{tracking_code}/advance", advance, methods=["POST"]),
        Route("/_sandbox/shipments/{id}/refund", decide_refund, methods=["POST"]),
        Route("/_sandbox/webhook", put_webhook, methods=["PUT"]),
        Route("/_sandbox/deliveries", delivery_status),
    ]


def _shipment_answer(shipment: Json) -> Answer:
    detail = {
        "id": shipment["id"],
        "tracking_code": shipment["tracking_code"],
        "refund_status": shipment["refund_status"],
    }
    return Answer(shipment, reference=shipment["reference"], detail=detail)


def _parsed(body: bytes, model: type[T]) -> T:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from error


def _reference_given(body: bytes) -> str | None:
    """The caller's own reference, if the body is well-formed enough to have one."""
    try:
        reference = json.loads(body)["shipment"]["reference"]
    except (ValueError, LookupError, TypeError):
        return None
    return reference if isinstance(reference, str) else None


def _nobody(_body: bytes) -> None:
    return None


def _only(given: Iterable[str], known: set[str]) -> None:
    for name in given:
        if name not in known:
            raise field_error("PARAMETER.FORBIDDEN", name, "unknown parameter")
