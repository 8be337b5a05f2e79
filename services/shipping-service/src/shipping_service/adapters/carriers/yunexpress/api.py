"""Signed calls to YunExpress's open API: the token, the bounds, the envelope, and errors."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ValidationError

from crossdock_chassis.outgoing import open_http_client
from shipping_service.adapters.carriers.yunexpress import mapping, wire
from shipping_service.adapters.carriers.yunexpress.settings import YunExpressSettings
from shipping_service.adapters.carriers.yunexpress.signing import sign
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierUnavailable

TOKEN_PATH: Final = "/openapi/oauth2/token"  # noqa: S105 - no secret, a path
LONGEST_RETRY_AFTER_S: Final = 3600.0

#: A token is given up so long before its end, for the calls that are under way with it.
_MARGIN_S: Final = 60.0
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_WRONG_ACCOUNT: Final = frozenset(
    {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED}
)


T = TypeVar("T", bound=BaseModel)


class NoAnswer(Exception):
    """It was sent, and whether it was done cannot be told from what came back, if anything came."""


class YunExpressApi:
    """One account over `POST /openapi/oauth2/token` and the paths that begin with /v1.

    Every call raises CarrierUnavailable (nothing was done), CarrierMisconfigured, CarrierRejected (they said
    no, whatever the HTTP status beside it) or NoAnswer.
    """

    def __init__(self, settings: YunExpressSettings, name: str = "yunexpress") -> None:
        self._settings = settings
        self._secret = settings.app_secret.get_secret_value()
        self._http = open_http_client(
            name,
            settings.base_url,
            timeout_s=settings.timeout_s,
            max_connections=settings.max_connections,
            headers={"Accept": "application/json", "Accept-Language": "en-US"},
        )
        self._token: str | None = None
        self._token_ends_at = 0.0
        self._buying = asyncio.Lock()

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: str) -> Any:
        """What stands in `result`."""
        return await self._result("GET", path, b"", query)

    async def post(self, path: str, said: wire.Said) -> Any:
        """What stands in `result`."""
        return await self._result("POST", path, said.body(), {})

    async def _result(self, method: str, path: str, body: bytes, query: Mapping[str, str]) -> Any:
        token = await self._valid_token()
        response = await self._send(method, path, body, query, token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            # A token may end before its time; a call that is turned away was not done. Once.
            token = await self._valid_token(instead_of=token)
            response = await self._send(method, path, body, query, token)
        return _result_of(response, self._settings)

    async def _send(
        self, method: str, path: str, body: bytes, query: Mapping[str, str], token: str
    ) -> httpx.Response:
        date_ms = int(time.time() * 1000)
        headers = {
            "token": token,
            "date": str(date_ms),
            "sign": sign(self._secret, date_ms, method, path, body),
        }
        if body:
            headers["Content-Type"] = "application/json"
        url = f"{path}?{urlencode(query)}" if query else path
        try:
            return await self._http.request(method, url, content=body, headers=headers)
        except _NOT_SENT as error:
            raise CarrierUnavailable("yunexpress was not reached") from error
        except httpx.TransportError as error:
            raise NoAnswer from error

    async def _valid_token(self, instead_of: str | None = None) -> str:
        """The token in use; who finds none, or `instead_of`, buys one for all."""
        async with self._buying:
            over = time.monotonic() >= self._token_ends_at
            if self._token is None or over or self._token == instead_of:
                token = await self._buy_token()
                self._token = token.accessToken
                self._token_ends_at = time.monotonic() + max(0.0, token.expiresIn - _MARGIN_S)
            return self._token

    async def _buy_token(self) -> wire.Token:
        """Costs nothing, so whatever goes wrong on the way is CarrierUnavailable."""
        source_key = self._settings.source_key
        asked = wire.AskToken(
            grantType="client_credentials",
            appId=self._settings.app_id,
            appSecret=self._secret,
            sourceKey=None if source_key is None else source_key.get_secret_value(),
        )
        try:
            response = await self._http.post(
                TOKEN_PATH, content=asked.body(), headers={"Content-Type": "application/json"}
            )
        except httpx.TransportError as error:
            raise CarrierUnavailable("yunexpress gave no token") from error
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise CarrierUnavailable("yunexpress asked us to slow down", retry_after_s(response))
        if not response.is_client_error and not response.is_success:
            raise CarrierUnavailable(f"yunexpress gave no token: HTTP {response.status_code}")
        try:
            return wire.Token.model_validate_json(response.content)
        except ValidationError as error:
            raise CarrierMisconfigured(
                f"yunexpress gave no token (HTTP {response.status_code}): look at CARRIER_YUNEXPRESS_APP_ID, "
                "..._APP_SECRET, ..._SOURCE_KEY and ..._BASE_URL"
            ) from error


def _result_of(response: httpx.Response, settings: YunExpressSettings) -> Any:
    """HTTP 200 alone is no success: the envelope decides."""
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise CarrierUnavailable("yunexpress asked us to slow down", retry_after_s(response))
    if status in _WRONG_ACCOUNT:
        raise CarrierMisconfigured(
            f"yunexpress answered HTTP {status}: look at CARRIER_YUNEXPRESS_APP_ID, ..._APP_SECRET, "
            "..._BASE_URL, and at this machine's clock, which is signed"
        )
    if not (response.is_success or response.is_client_error) or status == httpx.codes.REQUEST_TIMEOUT:
        raise NoAnswer(f"HTTP {status}")
    try:
        envelope = wire.Envelope.model_validate_json(response.content)
    except ValidationError as error:
        raise NoAnswer("no envelope") from error
    if envelope.success and (envelope.code or "") in wire.OK_CODES and response.is_success:
        return envelope.result
    raise mapping.to_refusal(envelope, settings.remedies)


def read_result(result: Any, model: type[T]) -> T:
    """Raises NoAnswer for what is not of that form."""
    try:
        return model.model_validate(result)
    except ValidationError as error:
        raise NoAnswer(f"no {model.__name__}") from error


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds as they ask for; None when they name none, or a date."""
    given = response.headers.get("Retry-After", "")
    return min(float(given), LONGEST_RETRY_AFTER_S) if given.isdecimal() else None
