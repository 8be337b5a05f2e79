"""The SMTP side: takes mail, keeps it before it says so, and misbehaves when told to."""

import asyncio
import secrets
import socket
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from crossdock_sandbox.books import Books
from crossdock_sandbox.faults import Fault, Faults, Mode
from crossdock_sandbox.mailbox.store import Store

RECIPIENTS = 100
CUT_S = 5.0

RCPT_REFUSED = "550 5.1.1 No such mailbox here"
RCPT_LATER = "451 4.7.1 Greylisted, try again later"
DATA_REFUSED = "554 5.7.1 Message refused"
DATA_LATER = "451 4.3.2 Too many messages, try again later"
BROKEN = "451 4.3.0 Local error in processing"


@dataclass(frozen=True, slots=True)
class Login:
    user: str
    password: str


class Handler:
    """aiosmtpd calls these by name; what they return is said to the client."""

    def __init__(self, books: Books, faults: Faults, store: Store) -> None:
        self._books = books
        self._faults = faults
        self._store = store

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        fault = self._faults.take("RCPT", address)
        said = _said(fault, refused=RCPT_REFUSED, later=RCPT_LATER)
        if fault is not None:
            if said is None:
                said = await _after_fault(server, fault, "250 2.1.5 OK")
            self._record("RCPT", address, said, fault)
        if said is None or said.startswith("250"):
            envelope.rcpt_tos.append(address)
        return said or "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        text = f"{envelope.mail_from} {' '.join(envelope.rcpt_tos)} {raw[:20_000].decode(errors='replace')}"
        fault = self._faults.take("DATA", text)
        reference = ",".join(envelope.rcpt_tos)
        said = _said(fault, refused=DATA_REFUSED, later=DATA_LATER)
        if said is not None or (fault is not None and fault.mode is Mode.HANG):
            self._record("DATA", reference, said or "no_answer", fault)
            return said or await _after_fault(server, fault, "")
        with self._books.transaction():
            message_id = self._store.add(envelope.mail_from or "", envelope.rcpt_tos, raw)
            self._record("DATA", reference, "250 2.0.0 OK", fault, message_id)
        return await _after_fault(server, fault, "250 2.0.0 OK: kept")

    async def handle_exception(self, error: Exception) -> str:
        self._books.record("SMTP", None, "defect", detail={"error": type(error).__name__})
        return BROKEN

    def _record(
        self, operation: str, reference: str, said: str, fault: Fault | None, message_id: str | None = None
    ) -> None:
        code = said[:3]
        self._books.record(
            operation,
            reference,
            {"2": "ok", "4": "deferred", "5": "refused"}.get(code[:1], "no_answer"),
            status=int(code) if code.isdecimal() else None,
            fault=fault.mode.value if fault else None,
            detail={"message_id": message_id} if message_id else None,
        )


def _said(fault: Fault | None, *, refused: str, later: str) -> str | None:
    """The answer of a fault that keeps the work from being done; None when there is work to do."""
    if fault is None:
        return None
    return {Mode.REFUSE: refused, Mode.THROTTLE: later, Mode.ERROR_500: BROKEN}.get(fault.mode)


async def _after_fault(server: SMTP, fault: Fault | None, answer: str) -> str:
    """What is said once the work is done, or never: late, or into a connection that has been cut."""
    if fault is None:
        return answer
    if fault.mode in {Mode.HANG, Mode.ANSWER_LATE}:
        await asyncio.sleep(fault.delay_s)
    if fault.mode in {Mode.HANG, Mode.DO_THEN_DROP}:
        cut(server)
        # The lost connection cancels this task before anything could be written into it.
        await asyncio.sleep(CUT_S)
    return answer or BROKEN


def cut(server: SMTP) -> None:
    """Reset the connection."""
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()


class _Connection(SMTP):
    """Remembers which connections are open, so that they can be closed with the server."""

    def __init__(self, handler: Handler, open_ones: set[SMTP], **options: Any) -> None:
        super().__init__(handler, **options)
        self._open_ones = open_ones

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open_ones.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_ones.discard(self)
        super().connection_lost(error)


@asynccontextmanager
async def taking_mail(
    handler: Handler, listening: socket.socket, *, size_limit: int, login: Login | None
) -> AsyncIterator[int]:
    """Serve SMTP until the block is left; yields the port."""
    loop = asyncio.get_running_loop()
    open_ones: set[SMTP] = set()

    def check(
        _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, given: object
    ) -> AuthResult:
        fits = (
            login is not None
            and isinstance(given, LoginPassword)
            and secrets.compare_digest(given.login, login.user.encode())
            and secrets.compare_digest(given.password, login.password.encode())
        )
        # Not handled: aiosmtpd itself says 535 to a wrong one.
        return AuthResult(success=fits, handled=False)

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            # Passwords in the clear are fine here: the server listens on loopback only.
            warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
            return connection()

    def connection() -> SMTP:
        return _Connection(
            handler,
            open_ones,
            data_size_limit=size_limit,
            enable_SMTPUTF8=True,
            hostname="mailbox.sandbox.test",
            ident="Crossdock mailbox sandbox",
            timeout=60,
            auth_required=login is not None,
            auth_require_tls=False,
            authenticator=check,
            loop=loop,
        )

    server = await loop.create_server(protocol, sock=listening)
    try:
        yield listening.getsockname()[1]
    finally:
        server.close()
        for one in tuple(open_ones):
            cut(one)
        await server.wait_closed()
