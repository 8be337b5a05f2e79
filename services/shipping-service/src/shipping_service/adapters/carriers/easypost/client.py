"""HTTP to EasyPost and nothing else: authentication, bounds, errors."""

from typing import Final
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from crossdock_chassis.logging import get_logger
from crossdock_chassis.outgoing import open_http_client
from shipping_service.adapters.carriers.easypost import codes, mapping, wire
from shipping_service.adapters.carriers.easypost.mapping import UnreadableAnswer
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings
from shipping_service.domain.consignment import (
    BoughtLabel,
    ConsignmentRequest,
    Document,
    DocumentKind,
    VoidOutcome,
    media_type_of,
)
from shipping_service.use_cases.ports import (
    CarrierMisconfigured,
    CarrierOutcomeUnknown,
    CarrierRejected,
    CarrierUnavailable,
    Prepared,
)

log = get_logger(__name__)

MOST_FORMS: Final = 5
LONGEST_RETRY_AFTER_S: Final = 3600.0

#: "Not found" is one of them: every id we ask for came from EasyPost, and a key of another account or mode
#: does not see it. "So it was not bought" would be a guess.
_WRONG_ACCOUNT: Final = frozenset(
    {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED}
)


class _NoAnswer(Exception):
    """It was sent, and whether it was done cannot be told from what came back, if anything came."""


class EasyPostGateway:
    """One EasyPost account. A shipment is created for nothing, and bought once, for good.

    Source: EasyPost API v2, "Shipments", "Shipping Refund", "Errors", read 2026-11-21.
    """

    def __init__(self, settings: EasyPostSettings) -> None:
        self._label_format = settings.label_format
        self._customs_signer = settings.customs_signer
        self._api = open_http_client(
            "easypost",
            settings.base_url,
            timeout_s=settings.timeout_s,
            max_connections=settings.max_connections,
            headers={"Accept": "application/json"},
            auth=(settings.api_key.get_secret_value(), ""),
        )
        # Label files are on other hosts, and their address is the secret: the key never goes there.
        self._files = open_http_client(
            "easypost_files", timeout_s=settings.download_timeout_s, max_connections=settings.max_connections
        )

    async def close(self) -> None:
        await self._api.aclose()
        await self._files.aclose()

    async def prepare(self, request: ConsignmentRequest) -> Prepared:
        """Create the shipment, which costs nothing, and look whether the service is offered; its id and that
        rate's.

        A lost answer leaves a shipment whose id nobody has stored. It costs nothing, binds nobody, and is
        never bought, because a purchase begins with a stored id. So there is nothing to ask for: creating
        another one is safe, and CarrierUnavailable says so.

        Raises CarrierRejected, CarrierUnavailable, CarrierMisconfigured.
        """
        said = mapping.to_create_shipment(
            request, label_format=self._label_format, customs_signer=self._customs_signer
        )
        try:
            shipment = await self._shipment("POST", "/v2/shipments", said)
        except _NoAnswer as error:
            raise CarrierUnavailable("easypost gave no answer to a creation that costs nothing") from error
        return Prepared(shipment.id, mapping.to_rate(shipment, request.service).id)

    async def buy(self, request: ConsignmentRequest, prepared: Prepared) -> BoughtLabel:
        """Buy the label of a prepared shipment and fetch its files. Without an offer the shipment is looked
        at first.

        Buying the same `carrier_ref` again cannot pay twice: a shipment that has a label is answered with
        it. Only another shipment could.

        Raises:
            CarrierRejected: the carrier does not take the parcel; most find that out only here.
            CarrierUnavailable: nothing was bought.
            CarrierOutcomeUnknown: it may have been bought, or was and the files could not be fetched.
            CarrierMisconfigured: the key, or the account it belongs to, is not the right one.
        """
        carrier_ref, offer = prepared.carrier_ref, prepared.offer
        if carrier_ref is None:
            raise CarrierRejected("not_prepared")
        if offer is not None:
            shipment = await self._pay(carrier_ref, offer, request.reference)
        else:
            shipment = await self._known(carrier_ref)
            if shipment.postage_label is None:
                rate = mapping.to_rate(shipment, request.service)
                shipment = await self._pay(carrier_ref, rate.id, request.reference)
        if shipment.id != carrier_ref or shipment.postage_label is None:
            raise CarrierOutcomeUnknown(request.reference)
        try:
            return await self._label_of(shipment, shipment.postage_label)
        except CarrierUnavailable as error:
            raise CarrierOutcomeUnknown(request.reference) from error

    async def find(self, request: ConsignmentRequest, carrier_ref: str | None) -> BoughtLabel | None:
        """The label with its files, or None while the shipment has none.

        Without `carrier_ref` nothing was bought: a purchase begins with it. A purchase whose answer was lost
        may still be under way at EasyPost: ask no sooner than `timeout_s` after it began, and after None go
        on with the same `carrier_ref`, which cannot be paid for twice.

        Raises CarrierUnavailable, CarrierMisconfigured.
        """
        if carrier_ref is None:
            return None
        shipment = await self._known(carrier_ref)
        if shipment.postage_label is None:
            return None
        return await self._label_of(shipment, shipment.postage_label)

    async def void(self, carrier_ref: str) -> VoidOutcome:
        """Ask for the money back. Usually SUBMITTED; the answer takes up to 30 days.

        Safe to repeat: what was asked for is not asked again, unless it was rejected. A refund asked for
        seconds after the purchase can be rejected wrongly, so REJECTED is worth another try later.

        Raises CarrierUnavailable (whatever happened, asking again is right), CarrierMisconfigured.
        """
        shipment = await self._known(carrier_ref)
        if shipment.postage_label is None:
            return VoidOutcome.NOT_APPLICABLE
        if shipment.refund_status not in {None, "rejected"}:
            return _void_outcome(shipment)
        try:
            asked = await self._shipment("POST", f"{_path(carrier_ref)}/refund")
        except _NoAnswer as error:
            raise CarrierUnavailable("easypost gave no answer to a refund") from error
        except CarrierRejected as refused:
            log.info("easypost.refund_refused", carrier_ref=carrier_ref, code=refused.code)
            return VoidOutcome.REJECTED
        return _void_outcome(asked)

    async def void_state(self, carrier_ref: str) -> VoidOutcome:
        """What became of the refund. Raises CarrierRejected when none was asked for, else as `void`."""
        shipment = await self._known(carrier_ref)
        if shipment.postage_label is None:
            return VoidOutcome.NOT_APPLICABLE
        if shipment.refund_status is None:
            raise CarrierRejected("refund_not_asked_for")
        return _void_outcome(shipment)

    async def _pay(self, shipment_id: str, rate_id: str, reference: str) -> wire.Shipment:
        said = wire.BuyShipment(rate=wire.RateChosen(id=rate_id))
        try:
            return await self._shipment("POST", f"{_path(shipment_id)}/buy", said)
        except _NoAnswer as error:
            raise CarrierOutcomeUnknown(reference) from error
        except CarrierRejected as refused:
            if refused.code != codes.ALREADY_BOUGHT:
                raise
        # Somebody of ours bought it in between.
        try:
            return await self._known(shipment_id)
        except CarrierUnavailable as error:
            raise CarrierOutcomeUnknown(reference) from error

    async def _known(self, carrier_ref: str) -> wire.Shipment:
        """A shipment that we created. Asking changes nothing: what goes wrong is CarrierUnavailable."""
        try:
            shipment = await self._shipment("GET", _path(carrier_ref))
        except _NoAnswer as error:
            raise CarrierUnavailable("easypost gave no answer to a question") from error
        except CarrierRejected as refused:
            raise CarrierMisconfigured(
                f"easypost refused to show a shipment that it made for us: {refused.code}"
            ) from refused
        if shipment.id != carrier_ref:
            raise CarrierUnavailable("easypost answered with another shipment")
        return shipment

    async def _shipment(self, method: str, path: str, said: wire.Said | None = None) -> wire.Shipment:
        """One call that answers with a shipment.

        Raises CarrierRejected, CarrierUnavailable (nothing was done), CarrierMisconfigured, _NoAnswer.
        """
        body = None if said is None else said.body()
        headers = {} if said is None else {"Content-Type": "application/json"}
        try:
            response = await self._api.request(method, path, content=body, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise CarrierUnavailable("easypost was not reached") from error
        except httpx.TransportError as error:
            raise _NoAnswer from error
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise CarrierUnavailable("easypost asked us to slow down", retry_after_s(response))
        if status in _WRONG_ACCOUNT:
            raise CarrierMisconfigured(
                f"easypost answered HTTP {status}: look at CARRIER_EASYPOST_API_KEY (its account, its mode, "
                "what it may do) and CARRIER_EASYPOST_BASE_URL"
            )
        if response.is_client_error and status != httpx.codes.REQUEST_TIMEOUT:
            refusal = mapping.to_refusal(status, _error(response.content))
            if refusal.code in codes.OUTCOME_UNKNOWN:
                raise _NoAnswer(refusal.code)
            raise refusal
        if not response.is_success:
            raise _NoAnswer(f"HTTP {status}")
        try:
            return wire.Shipment.model_validate_json(response.content)
        except ValidationError as error:
            raise _NoAnswer("the answer is no shipment") from error

    async def _label_of(self, shipment: wire.Shipment, label: wire.PostageLabel) -> BoughtLabel:
        """With its files. Raises CarrierUnavailable: the label is paid, and `find` will give it later."""
        wanted = [(DocumentKind.LABEL, label.label_url)]
        wanted += [
            (codes.FORMS[form.form_type], form.form_url)
            for form in shipment.forms[:MOST_FORMS]
            if form.form_type in codes.FORMS
        ]
        documents = [await self._document(kind, url) for kind, url in wanted]
        try:
            return mapping.to_bought_label(shipment, tuple(documents))
        except UnreadableAnswer as error:
            raise CarrierUnavailable(f"easypost answered with {error}") from error

    async def _document(self, kind: DocumentKind, url: str) -> Document:
        try:
            response = await self._files.get(url)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise CarrierUnavailable(f"the {kind} could not be fetched") from error
        if not response.is_success:
            raise CarrierUnavailable(f"the {kind} could not be fetched: HTTP {response.status_code}")
        media_type = media_type_of(response.content)
        if media_type is None:
            raise CarrierUnavailable(f"the {kind} is no file that can be printed")
        return Document(kind, media_type, response.content)


def _path(carrier_ref: str) -> str:
    """Quoted, because after an unknown outcome it may have been typed by a person."""
    return f"/v2/shipments/{quote(carrier_ref, safe='')}"


def _void_outcome(shipment: wire.Shipment) -> VoidOutcome:
    outcome = codes.REFUNDS.get(shipment.refund_status or "")
    if outcome is None:
        log.warning("easypost.unknown_refund_status", carrier_ref=shipment.id, code=shipment.refund_status)
        raise CarrierUnavailable("easypost gave a refund status that we do not know")
    return outcome


def _error(content: bytes) -> wire.ErrorAnswer | None:
    try:
        return wire.ErrorAnswer.model_validate_json(content)
    except ValidationError:
        return None


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds as they ask for; None when they name none, or a date."""
    given = response.headers.get("Retry-After", "")
    return min(float(given), LONGEST_RETRY_AFTER_S) if given.isdecimal() else None
