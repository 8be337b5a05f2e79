"""The channel against a real SMTP server: what each behaviour means for the mail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from crossdock_sandbox.mailbox.app import MailboxOptions, MailboxSandbox, running_mailbox
from crossdock_sandbox.mailbox.smtp import Login
from notify_service.adapters.channels.email.channel import EmailChannel
from notify_service.adapters.channels.email.pool import SmtpPool
from notify_service.adapters.channels.email.settings import EmailSettings
from notify_service.use_cases.ports import (
    ChannelOutcomeUnknown,
    ChannelRefused,
    ChannelUnavailable,
    Packed,
)

PACKED = Packed("joerg@example.com", b"Subject: Hello\nMessage-ID: <1@lumo.example>\n\n.dots\n..stay\n")


@asynccontextmanager
async def a_channel(port: int, **more: Any) -> AsyncIterator[EmailChannel]:
    settings = EmailSettings(
        **{
            "host": "127.0.0.1",
            "port": port,
            "sender": "orders@lumo-demo.example",
            "connect_timeout_s": 1,
            "command_timeout_s": 1,
            "data_timeout_s": 0.5,
            **more,
        }
    )
    channel = EmailChannel(SmtpPool(settings), settings)
    yield channel
    await channel.close()


async def misbehave(sandbox: MailboxSandbox, operation: str, mode: str, **more: Any) -> None:
    rule = {"operation": operation, "mode": mode, "times": 1, **more}
    async with httpx.AsyncClient() as http:
        answer = await http.put(f"{sandbox.base_url}/_sandbox/faults", json=[rule])
    answer.raise_for_status()


async def taken(sandbox: MailboxSandbox) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=sandbox.base_url) as http:
        listed = (await http.get("/_sandbox/messages")).json()["messages"]
        return [(await http.get(f"/_sandbox/messages/{one['id']}")).json() for one in listed]


async def test_a_mail_arrives_as_it_was_packed_and_the_server_is_quoted(tmp_path: Path) -> None:
    async with running_mailbox(tmp_path) as sandbox, a_channel(sandbox.smtp_port) as channel:
        reply = await channel.hand_over(PACKED)

        (mail,) = await taken(sandbox)
    assert reply.startswith("250 ")
    assert mail["recipients"] == ["joerg@example.com"]
    assert mail["text"].splitlines() == [".dots", "..stay"]


@pytest.mark.parametrize(
    ("operation", "mode", "meaning"),
    [
        ("RCPT", "refuse", ChannelRefused),
        ("DATA", "refuse", ChannelRefused),
        ("RCPT", "throttle", ChannelUnavailable),
        ("DATA", "throttle", ChannelUnavailable),
        ("DATA", "error_500", ChannelUnavailable),
        ("RCPT", "hang", ChannelUnavailable),
        ("RCPT", "do_then_drop_connection", ChannelUnavailable),
        ("DATA", "hang", ChannelOutcomeUnknown),
        ("DATA", "do_then_drop_connection", ChannelOutcomeUnknown),
    ],
)
async def test_what_a_server_does_says_whether_the_mail_was_taken(
    tmp_path: Path, operation: str, mode: str, meaning: type[Exception]
) -> None:
    async with running_mailbox(tmp_path) as sandbox, a_channel(sandbox.smtp_port) as channel:
        await misbehave(sandbox, operation, mode, delay_s=3)

        with pytest.raises(meaning) as caught:
            await channel.hand_over(PACKED)

        assert "joerg" not in str(caught.value)
        await channel.hand_over(PACKED)  # the trouble is over, and no broken connection is left


@pytest.mark.parametrize(
    ("operation", "mode", "this_one_only"),
    [("RCPT", "throttle", True), ("DATA", "throttle", False), ("DATA", "error_500", False)],
)
async def test_only_a_recipient_that_is_put_off_says_nothing_about_other_mails(
    tmp_path: Path, operation: str, mode: str, this_one_only: bool
) -> None:
    async with running_mailbox(tmp_path) as sandbox, a_channel(sandbox.smtp_port) as channel:
        await misbehave(sandbox, operation, mode)

        with pytest.raises(ChannelUnavailable) as caught:
            await channel.hand_over(PACKED)

    assert caught.value.this_one_only is this_one_only


async def test_a_server_that_is_closing_takes_no_mail_of_anybody() -> None:
    async def close_at_the_recipient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 closing.example ESMTP\r\n")
        while line := await reader.readline():
            closing = line.upper().startswith(b"RCPT")
            writer.write(b"421 4.3.2 Service shutting down\r\n" if closing else b"250 OK\r\n")
            if closing:
                break
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(close_at_the_recipient, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async with server, a_channel(port, security="none") as channel:
        with pytest.raises(ChannelUnavailable) as caught:
            await channel.hand_over(PACKED)

    assert not caught.value.this_one_only


async def test_a_server_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    async with running_mailbox(tmp_path) as sandbox:
        port = sandbox.smtp_port

    async with a_channel(port) as channel:
        with pytest.raises(ChannelUnavailable, match="unreachable"):
            await channel.hand_over(PACKED)


async def test_a_server_that_greets_nobody_takes_nothing(tmp_path: Path) -> None:
    hung_up = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        hung_up.set()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async with server, a_channel(port, connect_timeout_s=0.3) as channel:
        with pytest.raises(ChannelUnavailable, match="timeout"):
            await channel.hand_over(PACKED)
        await asyncio.wait_for(hung_up.wait(), 5)


async def test_the_right_login_is_let_in_and_a_wrong_one_waits(tmp_path: Path) -> None:
    options = MailboxOptions(login=Login("lumo", "right"))

    async with running_mailbox(tmp_path, options=options) as sandbox:
        async with a_channel(sandbox.smtp_port, username="lumo", password=SecretStr("right")) as channel:
            await channel.hand_over(PACKED)
        async with a_channel(sandbox.smtp_port, username="lumo", password=SecretStr("wrong")) as channel:
            with pytest.raises(ChannelUnavailable, match="login_refused"):
                await channel.hand_over(PACKED)

        assert len(await taken(sandbox)) == 1


async def test_nothing_goes_in_the_clear_to_a_server_without_the_encryption_asked_for(
    tmp_path: Path,
) -> None:
    async with (
        running_mailbox(tmp_path) as sandbox,
        a_channel(sandbox.smtp_port, security="starttls") as channel,
    ):
        with pytest.raises(ChannelUnavailable):
            await channel.hand_over(PACKED)

        assert await taken(sandbox) == []


async def test_mails_at_once_share_the_connections_there_are(tmp_path: Path) -> None:
    async with (
        running_mailbox(tmp_path) as sandbox,
        a_channel(sandbox.smtp_port, connections=2) as channel,
    ):
        await asyncio.gather(*(channel.hand_over(PACKED) for _ in range(8)))

        assert len(await taken(sandbox)) == 8
        assert len(channel._pool._free) <= 2
