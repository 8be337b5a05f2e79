"""A few connections to the mail server, kept open: connecting costs more than the mail."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiosmtplib

from notify_service.adapters.channels.email.settings import EmailSettings


@dataclass(slots=True)
class Connection:
    """`used_at` by the loop's clock."""

    smtp: aiosmtplib.SMTP
    used_at: float


class SmtpPool:
    """Lends each connection to one mail at a time. What broke, or rested for too long, is not lent again."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings
        self._free: list[Connection] = []
        self._room = asyncio.Semaphore(settings.connections)
        self._tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """Raises OSError or aiosmtplib.SMTPException when there is none to be had; nothing was sent then.

        An exception inside closes the connection: nobody knows what it still has to say.
        """
        async with self._room:
            lent = await self._open()
            try:
                yield lent.smtp
            except BaseException:
                lent.smtp.close()
                raise
            lent.used_at = asyncio.get_running_loop().time()
            self._free.append(lent)

    async def close(self) -> None:
        """Take leave of the server where it listens."""
        leaving, self._free = self._free, []
        await asyncio.gather(*(one.smtp.quit(timeout=1) for one in leaving), return_exceptions=True)

    async def _open(self) -> Connection:
        now = asyncio.get_running_loop().time()
        while self._free:
            one = self._free.pop()  # the one used last: the others may rest and go
            if one.smtp.is_connected and now - one.used_at < self._settings.idle_s:
                return one
            one.smtp.close()
        return Connection(await self._connect(), now)

    async def _connect(self) -> aiosmtplib.SMTP:
        settings = self._settings
        smtp = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            local_hostname=socket.gethostname(),
            timeout=settings.connect_timeout_s,
            use_tls=settings.encryption == "tls",
            start_tls=settings.encryption == "starttls",
            tls_context=None if settings.encryption == "none" else self._tls_context(),
            username=settings.username,
            password=None if settings.password is None else settings.password.get_secret_value(),
        )
        try:
            async with asyncio.timeout(settings.connect_timeout_s):
                await smtp.connect()
                await smtp.ehlo()
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            ca_file = self._settings.ca_file
            self._tls = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        return self._tls
