"""Calls to UPS: token, headers, bounds, and what an answer that is no success means."""

from collections.abc import Mapping
from typing import Final
from uuid import uuid4

import httpx
from pydantic import ValidationError

from crossdock_chassis.outgoing import open_http_client
from shipping_service.adapters.carriers.ups import codes, wire
from shipping_service.adapters.carriers.ups.settings import UpsSettings
from shipping_service.adapters.carriers.ups.tokens import Tokens
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierUnavailable

LONGEST_RETRY_AFTER_S: Final = 3600.0
SOURCE: Final = "crossdock"

_WRONG_ACCOUNT: Final = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})


class NoAnswer(Exception):
    """It was sent, and whether it was done cannot be told from what came back, if anything came."""


class Refused(Exception):
    """UPS said no in its own form: `errors` as they came, at least one."""

    def __init__(self, status: int, errors: tuple[wire.Problem, ...]) -> None:
        super().__init__(status)
        self.status = status
        self.errors = errors


class UpsApi:
    """One account's calls. A call with a token that UPS does not take any more is made once more with a new
    one: it was turned away before anything was done.
    """

    def __init__(self, name: str, settings: UpsSettings) -> None:
        self._login = (settings.client_id.get_secret_value(), settings.client_secret.get_secret_value())
        self._account = settings.account_number
        self._http = open_http_client(
            name,
            settings.base_url,
            timeout_s=settings.timeout_s,
            max_connections=settings.max_connections,
            headers={"Accept": "application/json", "transactionSrc": SOURCE},
        )
        self._tokens = Tokens(self._fetch_token)

    async def close(self) -> None:
        await self._tokens.close()
        await self._http.aclose()

    async def call(
        self, method: str, path: str, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of a success.

        Raises:
            Refused: they understood and said no.
            CarrierUnavailable: nothing was done.
            CarrierMisconfigured: login, account or address is not the right one; nothing was done.
            NoAnswer: everything else.
        """
        token = await self._tokens.current()
        response = await self._send(method, path, body, query, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._tokens.forget(token)
            response = await self._send(method, path, body, query, await self._tokens.current())
        if response.is_success:
            return response.content
        raise _failure(response)

    async def _send(
        self, method: str, path: str, body: bytes | None, query: Mapping[str, str] | None, token: str
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "transId": uuid4().hex}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            return await self._http.request(method, path, content=body, params=query, headers=headers)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise CarrierUnavailable("ups was not reached") from error
        except httpx.TransportError as error:
            raise NoAnswer from error

    async def _fetch_token(self) -> wire.Token:
        """Costs nothing: what goes wrong and is not our login's fault is CarrierUnavailable."""
        try:
            response = await self._http.post(
                "/security/v1/oauth/token",
                data={"grant_type": "client_credentials"},
                headers={"x-merchant-id": self._account},
                auth=self._login,
            )
        except httpx.TransportError as error:
            raise CarrierUnavailable("ups gave no token") from error
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise CarrierUnavailable("ups asked us to slow down", retry_after_s(response))
        if response.is_client_error and status != httpx.codes.REQUEST_TIMEOUT:
            raise _misconfigured(status)
        try:
            return wire.Token.model_validate_json(response.content if response.is_success else b"")
        except ValidationError as error:
            raise CarrierUnavailable(f"ups gave no token: HTTP {status}") from error


def _failure(response: httpx.Response) -> Exception:
    """What an answer without a success means. Only a refusal in their own form is one: whatever stands
    between us may have said the rest after the call was worked off.
    """
    status = response.status_code
    errors = _errors(response.content)
    numbers = {one.code for one in errors}
    if status == httpx.codes.TOO_MANY_REQUESTS or numbers & codes.TOO_FAST:
        return CarrierUnavailable("ups asked us to slow down", retry_after_s(response))
    if status in _WRONG_ACCOUNT or numbers & codes.ACCOUNT_REFUSED:
        return _misconfigured(status, *sorted(numbers))
    if not response.is_client_error or status == httpx.codes.REQUEST_TIMEOUT:
        return NoAnswer(f"HTTP {status}")
    if errors:
        return Refused(status, errors)
    if status in {httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED}:
        return _misconfigured(status)
    return NoAnswer(f"HTTP {status}")


def _errors(content: bytes) -> tuple[wire.Problem, ...]:
    try:
        return wire.ErrorAnswer.model_validate_json(content).response.errors
    except ValidationError:
        return ()


def _misconfigured(status: int, *numbers: str) -> CarrierMisconfigured:
    said = " ".join([f"HTTP {status}", *numbers])
    return CarrierMisconfigured(
        f"ups answered {said}: look at CARRIER_UPS_CLIENT_ID, ..._CLIENT_SECRET, ..._ACCOUNT_NUMBER and "
        "..._BASE_URL"
    )


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds as they ask for; None when they name none, or a date."""
    given = response.headers.get("Retry-After", "")
    return min(float(given), LONGEST_RETRY_AFTER_S) if given.isdecimal() else None
