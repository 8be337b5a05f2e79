"""Calls to the outside over HTTP: the one place where clients are built.

httpx over aiohttp's connections, which cost half the CPU of httpx's own. Whatever goes wrong comes as one of
httpx's exceptions, and these divide where a caller has to:

- `ConnectError`, `ConnectTimeout`, `PoolTimeout`: nothing was sent.
- every other `TransportError` (`ReadTimeout`, `ReadError`, `RemoteProtocolError`): it may have been done.

No redirects, no proxies or certificates from the environment, no cookies kept, no retries of ours. (aiohttp
repeats a GET, PUT or DELETE once when the server had closed the kept-alive connection; never a POST.)
"""

import asyncio
import ssl
import time
from collections.abc import Mapping

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport
from opentelemetry.trace import SpanKind

from crossdock_chassis.telemetry import current_traceparent, meter, span

_duration = meter.create_histogram(
    "http.client.request.duration", unit="s", description="Time of a call to the outside, by destination."
)

# Servers close idle connections after 5 s (uvicorn, Node) or later. A POST on a connection that is just being
# closed ends with an unknown outcome, so ours are given up before.
_KEEPALIVE_S = 4.0


class _BoundedTransport(httpx.AsyncBaseTransport):
    """aiohttp's connections with a total deadline, a bounded answer, and exceptions that say what was sent.

    The answer is read to its end here, so that the deadline covers all of it.
    """

    def __init__(
        self, name: str, inner: httpx.AsyncBaseTransport, *, timeout_s: float, max_response_bytes: int
    ) -> None:
        self._name = name
        self._inner = inner
        self._timeout_s = timeout_s
        self._max_response_bytes = max_response_bytes

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        began = time.perf_counter()
        outcome: str | int = "unknown"
        with span(
            f"{request.method} {self._name}",
            SpanKind.CLIENT,
            attributes={"http.request.method": request.method, "server.address": request.url.host},
        ) as current:
            traceparent = current_traceparent()
            if traceparent is not None:
                request.headers["traceparent"] = traceparent
            try:
                async with asyncio.timeout(self._timeout_s):
                    response = await self._exchange(request)
                outcome = response.status_code
                current.set_attribute("http.response.status_code", outcome)
                return response
            except TimeoutError as error:
                outcome = "ReadTimeout"
                raise httpx.ReadTimeout(
                    f"{self._name} took longer than {self._timeout_s:g} s", request=request
                ) from error
            except httpx.TransportError as error:
                outcome = type(error).__name__
                error.request = request
                raise
            finally:
                attributes = {"crossdock.destination": self._name, "http.request.method": request.method}
                key = "http.response.status_code" if isinstance(outcome, int) else "error.type"
                _duration.record(time.perf_counter() - began, {**attributes, key: outcome})

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await self._inner.handle_async_request(request)
            try:
                body = await self._read(response)
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            raise self._said_rightly(error.__cause__ or error) from error
        except aiohttp.ClientError as error:
            raise self._said_rightly(error) from error
        return httpx.Response(
            response.status_code,
            # Cookies would be kept by the client and sent for the next merchant.
            headers=[pair for pair in response.headers.raw if pair[0].lower() != b"set-cookie"],
            content=body,
            request=request,
            extensions=response.extensions,
        )

    async def _read(self, response: httpx.Response) -> bytes:
        # We ask for identity; decoding an answer of unknown size is not bounded by the bytes that came.
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise httpx.RemoteProtocolError(f"{self._name} answered with an encoding nobody asked for")
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > self._max_response_bytes:
                raise httpx.RemoteProtocolError(
                    f"{self._name} answered with more than {self._max_response_bytes} bytes"
                )
            chunks.append(chunk)
        return b"".join(chunks)

    def _said_rightly(self, error: BaseException) -> httpx.TransportError:
        """The transport calls a connection lost after sending a `ConnectTimeout`: it would be sent again."""
        match error:
            case httpx.TransportError():
                return error
            case aiohttp.ClientConnectorError() | aiohttp.ClientConnectorCertificateError():
                return httpx.ConnectError(f"{self._name} was not reached")
            case aiohttp.ConnectionTimeoutError():
                return httpx.ConnectTimeout(f"{self._name} was not reached in time")
            case aiohttp.InvalidURL():
                return httpx.UnsupportedProtocol("not an http address")
            case aiohttp.ServerTimeoutError():
                return httpx.ReadTimeout(f"{self._name} did not go on in time")
            case aiohttp.ServerDisconnectedError() | aiohttp.ClientResponseError():
                return httpx.RemoteProtocolError(f"{self._name} gave no whole answer")
            case _:
                return httpx.ReadError(f"the connection to {self._name} was lost")

    async def aclose(self) -> None:
        await self._inner.aclose()


def open_http_client(
    name: str,
    base_url: str = "",
    *,
    timeout_s: float = 15.0,
    connect_timeout_s: float = 5.0,
    max_connections: int = 20,
    max_response_bytes: int = 8_388_608,
    headers: Mapping[str, str] | None = None,
    auth: httpx.Auth | tuple[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    resolver: AbstractResolver | None = None,
) -> httpx.AsyncClient:
    """A client for one party, called `name` in metrics and errors. Open one per process and `aclose` it.

    `timeout_s` bounds the whole call: waiting for a connection, connecting, sending, and reading to the end.
    More than `max_connections` calls at once wait for `connect_timeout_s`. `resolver` decides which addresses
    a name may lead to, for destinations somebody else chose; it is not asked about addresses in numbers.
    """
    verify = tls or ssl.create_default_context()

    def open_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=max_connections,
                keepalive_timeout=_KEEPALIVE_S,
                ssl=verify,
                resolver=resolver,
                use_dns_cache=resolver is None,
                ttl_dns_cache=30,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            skip_auto_headers=("User-Agent",),
        )

    transport = _BoundedTransport(
        name,
        AiohttpTransport(verify=verify, trust_env=False, client=open_session),
        timeout_s=timeout_s,
        max_response_bytes=max_response_bytes,
    )
    return httpx.AsyncClient(
        transport=transport,
        base_url=base_url,
        timeout=httpx.Timeout(timeout_s, connect=connect_timeout_s, pool=connect_timeout_s),
        headers={"Accept-Encoding": "identity", "User-Agent": "crossdock", **(headers or {})},
        auth=auth,
        follow_redirects=False,
        trust_env=False,
    )
