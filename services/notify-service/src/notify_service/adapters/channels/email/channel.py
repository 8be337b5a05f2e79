"""The e-mail channel: packs envelopes and hands them to the mail server."""

import re
from contextlib import suppress
from email.utils import parseaddr

import aiosmtplib
from aiosmtplib.protocol import PERIOD_REGEX, normalize_message_line_endings

from notify_service.adapters.channels.email.mime import build_mail
from notify_service.adapters.channels.email.pool import SmtpPool
from notify_service.adapters.channels.email.settings import EmailSettings
from notify_service.domain.addresses import mailbox
from notify_service.domain.order import Buyer
from notify_service.use_cases.ports import (
    ChannelOutcomeUnknown,
    ChannelRefused,
    ChannelUnavailable,
    Envelope,
    Packed,
)

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_ADDRESS = re.compile(r"\S+@\S+")
_PERMANENT = range(500, 600)
_TEMPORARY = range(400, 500)
_CLOSING = 421


class EmailChannel:
    """RFC 5321. Who was told "later" or "no", be it after the whole mail, knows that it was not taken
    (4.2.5): the server keeps no responsibility for it. Only silence after the mail leaves it open.
    """

    code = "email"

    def __init__(self, pool: SmtpPool, settings: EmailSettings) -> None:
        self._pool = pool
        self._settings = settings
        self._sender = parseaddr(settings.sender)[1]

    @property
    def concurrency(self) -> int:
        """As many as there are connections, so that nobody waits for one with an attempt under way."""
        return self._settings.connections

    def address_of(self, buyer: Buyer) -> str | None:
        return None if buyer.email is None else mailbox(buyer.email)

    def pack(self, envelope: Envelope) -> Packed:
        mail = build_mail(
            envelope,
            sender=self._settings.sender,
            reply_to=self._settings.reply_to,
            list_unsubscribe=self._settings.list_unsubscribe,
        )
        return Packed(envelope.address, mail)

    async def hand_over(self, packed: Packed) -> str:
        refusal: aiosmtplib.SMTPResponseException | None = None
        reply = ""
        handed = False
        try:
            async with self._pool.connection() as smtp:
                try:
                    await self._ask(smtp, packed.address)
                    handed = True
                    reply = await self._hand(smtp, packed.content)
                except aiosmtplib.SMTPResponseException as error:
                    refusal = error
                    with suppress(aiosmtplib.SMTPException):
                        await smtp.rset(timeout=self._settings.command_timeout_s)
        except (aiosmtplib.SMTPException, OSError) as error:
            # A time-out is an OSError, too.
            if handed and refusal is None:
                raise ChannelOutcomeUnknown("no_answer") from error
            if refusal is None:
                raise ChannelUnavailable(_unreachable(error)) from error
        if refusal is not None:
            raise _meaning(refusal, handed=handed)
        return reply

    async def close(self) -> None:
        await self._pool.close()

    async def _ask(self, smtp: aiosmtplib.SMTP, address: str) -> None:
        """All that goes before the mail itself."""
        timeout = self._settings.command_timeout_s
        await smtp.mail(self._sender, timeout=timeout)
        await smtp.rcpt(address, timeout=timeout)
        answer = await smtp.execute_command(b"DATA", timeout=timeout)
        if answer.code != aiosmtplib.SMTPStatus.start_input:
            raise aiosmtplib.SMTPDataError(answer.code, answer.message)

    async def _hand(self, smtp: aiosmtplib.SMTP, mail: bytes) -> str:
        """The mail and its end; returns the answer.

        The library's own `data` does this and what goes before in one call, and then does not say in which of
        the two the connection broke.
        """
        protocol = smtp.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("the connection is closed")
        protocol.write(PERIOD_REGEX.sub(b"..", normalize_message_line_endings(mail)) + b".\r\n")
        answer = await protocol.read_response(timeout=self._settings.data_timeout_s)
        if answer.code != aiosmtplib.SMTPStatus.completed:
            raise aiosmtplib.SMTPDataError(answer.code, answer.message)
        return _ADDRESS.sub("[personal]", f"{answer.code} {answer.message}")


def _meaning(refusal: aiosmtplib.SMTPResponseException, *, handed: bool) -> Exception:
    """What a server's "no" says about the mail. Codes alone go on: the texts may quote the address."""
    enhanced = _ENHANCED.match(str(refusal.message))
    code = f"smtp_{refusal.code}" + (f"_{enhanced[0]}" if enhanced else "")
    if isinstance(refusal, aiosmtplib.SMTPSenderRefused) or refusal.code in _TEMPORARY:
        # Who does not take us as a sender says nothing about this mail: our set-up is wrong, it waits.
        # A 421 ends the connection, whatever it was said to (RFC 5321, 3.8); other words to a recipient, such
        # as greylisting's, are about that recipient alone.
        about_the_recipient = (
            isinstance(refusal, aiosmtplib.SMTPRecipientRefused) and refusal.code != _CLOSING
        )
        return ChannelUnavailable(code, this_one_only=about_the_recipient)
    if refusal.code in _PERMANENT:
        return ChannelRefused(code)
    return ChannelOutcomeUnknown("unreadable_answer") if handed else ChannelUnavailable("unreadable_answer")


def _unreachable(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return "login_refused"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"smtp_{error.code}"
    return "timeout" if isinstance(error, TimeoutError) else "unreachable"
