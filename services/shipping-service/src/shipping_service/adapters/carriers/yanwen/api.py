"""Signed calls to Yanwen's order API: the bounds, the envelope, and errors."""

import time
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from crossdock_chassis.outgoing import open_http_client
from shipping_service.adapters.carriers.yanwen import codes, mapping, wire
from shipping_service.adapters.carriers.yanwen.settings import YanwenSettings
from shipping_service.adapters.carriers.yanwen.signing import FORMAT, VERSION, sign
from shipping_service.use_cases.ports import CarrierMisconfigured, CarrierUnavailable

LONGEST_RETRY_AFTER_S: Final = 3600.0

#: What is answered under HTTP to a wrong account or address.
WRONG_ACCOUNT: Final = frozenset(
    {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED}
)

_PATH: Final = "/api/order"
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

T = TypeVar("T", bound=BaseModel)


class NoAnswer(Exception):
    """It was sent, and whether it was done cannot be told from what came back, if anything came."""


class YanwenApi:
    """One account over `POST /api/order?method=...`."""

    def __init__(self, settings: YanwenSettings) -> None:
        self._settings = settings
        self._token = settings.api_token.get_secret_value()
        self._http = open_http_client(
            "yanwen",
            settings.base_url,
            timeout_s=settings.timeout_s,
            max_connections=settings.max_connections,
            headers={"Accept": "application/json", "Content-Type": "application/json"},
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def call(self, method: str, said: wire.Said) -> Any:
        """What stands in `data`.

        Raises CarrierUnavailable (nothing was done), CarrierMisconfigured, CarrierRejected or NoAnswer.
        """
        body, timestamp_ms = said.body(), int(time.time() * 1000)
        query = {
            "user_id": self._settings.user_id,
            "method": method,
            "format": FORMAT,
            "timestamp": str(timestamp_ms),
            "version": VERSION,
            "sign": sign(self._token, self._settings.user_id, method, timestamp_ms, body),
        }
        try:
            response = await self._http.post(_PATH, params=query, content=body)
        except _NOT_SENT as error:
            raise CarrierUnavailable("yanwen was not reached") from error
        except httpx.TransportError as error:
            raise NoAnswer from error
        return self._data_of(response)

    def _data_of(self, response: httpx.Response) -> Any:
        """HTTP 200 alone is no success: the envelope decides. One that contradicts itself is no answer."""
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise CarrierUnavailable("yanwen asked us to slow down", retry_after_s(response))
        if status in WRONG_ACCOUNT:
            raise _wrong_account(f"HTTP {status}")
        if not response.is_success:
            raise NoAnswer(f"HTTP {status}")
        try:
            envelope = wire.Envelope.model_validate_json(response.content)
        except ValidationError as error:
            raise NoAnswer("no envelope") from error
        code = envelope.code or ""
        if envelope.success and code == wire.OK:
            return envelope.data
        if envelope.success or code in ("", wire.OK) or code.startswith("-"):
            raise NoAnswer("neither done nor refused")
        if mapping.says(envelope.message, codes.WRONG_ACCOUNT):
            raise _wrong_account("that the signature is wrong")
        raise mapping.to_refusal(envelope, self._settings.remedies)


def read_data(data: Any, model: type[T]) -> T:
    """Raises NoAnswer for what is not of that form."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise NoAnswer(f"no {model.__name__}") from error


def retry_after_s(response: httpx.Response) -> float | None:
    """Seconds as they ask for; None when they name none, or a date."""
    given = response.headers.get("Retry-After", "")
    return min(float(given), LONGEST_RETRY_AFTER_S) if given.isdecimal() else None


def _wrong_account(said: str) -> CarrierMisconfigured:
    return CarrierMisconfigured(
        f"yanwen answered {said}: look at CARRIER_YANWEN_USER_ID, ..._API_TOKEN, ..._BASE_URL, and at this "
        "machine's clock, which is signed"
    )
