"""The mailbox: what is accepted is kept, what is refused is not, and mails can be read."""

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from smtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPRecipientsRefused,
    SMTPServerDisconnected,
)
from typing import Any

import httpx
import pytest

from crossdock_sandbox.mailbox.app import MailboxOptions, MailboxSandbox, running_mailbox
from crossdock_sandbox.mailbox.smtp import Login


def a_mail(subject: str = "Your parcel 包裹 is on its way", number: int = 1) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "shop@example.com"
    mail["To"] = "Dana <dana@example.com>"
    mail["Subject"] = subject
    mail["Message-ID"] = f"<m-{number}@example.com>"
    mail["X-Crossdock-Template"] = "parcel_shipped"
    mail.set_content("Grüße, <script>alert(1)</script>")
    mail.add_alternative("<p>Grüße</p><script>alert(1)</script>", subtype="html")
    return mail


def _send(port: int, mail: EmailMessage, to: list[str], login: Login | None, utf8: bool) -> None:
    with SMTP("127.0.0.1", port, timeout=5) as smtp:
        if login:
            smtp.login(login.user, login.password)
        smtp.send_message(mail, "shop@example.com", to, ["SMTPUTF8"] if utf8 else [])


async def send(
    sandbox: MailboxSandbox,
    mail: EmailMessage,
    to: str = "dana@example.com",
    *,
    login: Login | None = None,
    utf8: bool = False,
) -> None:
    await asyncio.to_thread(_send, sandbox.smtp_port, mail, [to], login, utf8)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[MailboxSandbox]:
    async with running_mailbox(tmp_path) as running:
        yield running


async def listed(http: httpx.AsyncClient, sandbox: MailboxSandbox, query: str = "") -> list[dict[str, Any]]:
    answer = await http.get(f"{sandbox.base_url}/_sandbox/messages{query}")
    messages: list[dict[str, Any]] = answer.json()["messages"]
    return messages


async def fault(http: httpx.AsyncClient, sandbox: MailboxSandbox, operation: str, mode: str) -> None:
    rule = {"operation": operation, "mode": mode, "times": 1, "delay_s": 0.1}
    answer = await http.put(f"{sandbox.base_url}/_sandbox/faults", json=[rule])
    assert answer.status_code == 200


async def test_a_mail_is_kept_with_its_headers_and_parts(
    sandbox: MailboxSandbox, http: httpx.AsyncClient
) -> None:
    await send(sandbox, a_mail())

    (mail,) = await listed(http, sandbox)
    shown = (await http.get(f"{sandbox.base_url}/_sandbox/messages/{mail['id']}")).json()
    raw = await http.get(f"{sandbox.base_url}/_sandbox/messages/{mail['id']}/raw")
    assert mail["subject"] == "Your parcel 包裹 is on its way"
    assert mail["message_id"] == "<m-1@example.com>"
    assert mail["recipients"] == ["dana@example.com"]
    assert ["X-Crossdock-Template", "parcel_shipped"] in mail["headers"]
    assert shown["text"].startswith("Grüße")
    assert shown["html"].startswith("<p>Grüße</p>")
    assert "Message-ID: <m-1@example.com>" in raw.text


async def test_mails_are_found_by_recipient_subject_id_and_header(
    sandbox: MailboxSandbox, http: httpx.AsyncClient
) -> None:
    await send(sandbox, a_mail("First", 1))
    await send(sandbox, a_mail("Second", 2), "Lee@Example.com")

    async def numbers(query: str) -> list[str]:
        return [mail["subject"] for mail in await listed(http, sandbox, query)]

    assert await numbers("") == ["Second", "First"]
    assert await numbers("?to=lee@example.com") == ["Second"]
    assert await numbers("?subject=first") == ["First"]
    assert await numbers("?message_id=%3Cm-2@example.com%3E") == ["Second"]
    assert await numbers("?header.X-Crossdock-Template=parcel_shipped&limit=1") == ["Second"]
    assert await numbers("?header.X-Crossdock-Template=other") == []
    wrong = await http.get(f"{sandbox.base_url}/_sandbox/messages?from=shop@example.com")
    assert wrong.status_code == 400


async def test_an_address_in_any_script_is_taken(sandbox: MailboxSandbox, http: httpx.AsyncClient) -> None:
    await send(sandbox, a_mail(), "用户@example.com", utf8=True)

    assert (await listed(http, sandbox))[0]["recipients"] == ["用户@example.com"]


@pytest.mark.parametrize(
    ("operation", "mode", "error", "code"),
    [
        ("RCPT", "refuse", SMTPRecipientsRefused, 550),
        ("RCPT", "throttle", SMTPRecipientsRefused, 451),
        ("DATA", "refuse", SMTPDataError, 554),
        ("DATA", "error_500", SMTPDataError, 451),
        ("DATA", "hang", SMTPServerDisconnected, None),
    ],
)
async def test_a_fault_keeps_the_mail_out_and_the_next_one_comes_in(
    sandbox: MailboxSandbox,
    http: httpx.AsyncClient,
    operation: str,
    mode: str,
    error: type[Exception],
    code: int | None,
) -> None:
    await fault(http, sandbox, operation, mode)

    with pytest.raises(error):
        await send(sandbox, a_mail())
    kept_after_the_fault = await listed(http, sandbox)
    await send(sandbox, a_mail())

    assert kept_after_the_fault == []
    assert len(await listed(http, sandbox)) == 1
    calls = (await http.get(f"{sandbox.base_url}/_sandbox/books/calls?fault={mode}")).json()["rows"]
    assert [(row["operation"], row["status"], row["reference"]) for row in calls] == [
        (operation, code, "dana@example.com")
    ]


async def test_a_mail_may_be_kept_though_the_sender_never_hears_of_it(
    sandbox: MailboxSandbox, http: httpx.AsyncClient
) -> None:
    await fault(http, sandbox, "DATA", "do_then_drop_connection")

    with pytest.raises(SMTPServerDisconnected):
        await send(sandbox, a_mail())

    assert [mail["message_id"] for mail in await listed(http, sandbox)] == ["<m-1@example.com>"]


async def test_a_mail_above_the_size_limit_is_refused(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with running_mailbox(tmp_path, options=MailboxOptions(size_limit=300)) as sandbox:
        with pytest.raises(Exception, match="552"):
            await send(sandbox, a_mail())

        assert await listed(http, sandbox) == []


async def test_with_a_login_only_who_knows_it_may_send(tmp_path: Path, http: httpx.AsyncClient) -> None:
    options = MailboxOptions(login=Login("crossdock", "right"))
    async with running_mailbox(tmp_path, options=options) as sandbox:
        with pytest.raises(SMTPAuthenticationError):
            await send(sandbox, a_mail(), login=Login("crossdock", "wrong"))
        await send(sandbox, a_mail(), login=Login("crossdock", "right"))

        assert len(await listed(http, sandbox)) == 1


async def test_the_pages_show_mails_and_run_nothing_of_them(
    sandbox: MailboxSandbox, http: httpx.AsyncClient
) -> None:
    await send(sandbox, a_mail("<img src=x onerror=alert(1)>"))

    front = await http.get(f"{sandbox.base_url}/")
    page = await http.get(f"{sandbox.base_url}/messages/1")
    html = await http.get(f"{sandbox.base_url}/_sandbox/messages/1/html")

    assert "<img" not in front.text
    assert "&lt;img src=x onerror=alert(1)&gt;" in front.text
    assert "<script" not in page.text
    assert "default-src 'none'" in front.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert html.headers["content-security-policy"].startswith("sandbox;")


async def test_mails_outlive_the_sandbox(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with running_mailbox(tmp_path) as sandbox:
        await send(sandbox, a_mail())

    async with running_mailbox(tmp_path) as sandbox:
        assert len(await listed(http, sandbox)) == 1
