import email.policy
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from uuid import UUID

from notify_service.adapters.channels.email.mime import build_mail
from notify_service.use_cases.ports import Envelope, Rendered

REFERENCE = UUID("01934f5e-7b1c-7000-8000-000000000077")


def an_envelope(
    *,
    subject: str = "Ihre Bestellung ist bestätigt",
    name: str | None = "Jörg",
    sender_name: str | None = None,
) -> Envelope:
    return Envelope(
        reference=REFERENCE,
        address="joerg@example.com",
        name=name,
        sender_name=sender_name,
        reply_to=None,
        language_tag="de",
        content=Rendered(subject, "<p>Grüße</p>", "Grüße\n.\n"),
        at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    )


def a_mail(envelope: Envelope, **more: str) -> EmailMessage:
    wishes = {"reply_to": None, "list_unsubscribe": None, **more}
    raw = build_mail(envelope, sender="Lumo Demo <orders@lumo-demo.example>", **wishes)
    assert raw.isascii()
    return message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)


def test_a_mail_has_both_forms_and_the_headers_of_one_that_nobody_answers() -> None:
    mail = a_mail(an_envelope())

    html, text = mail.get_body(("html",)), mail.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert (html.get_content(), text.get_content()) == ("<p>Grüße</p>", "Grüße\n.\n")
    assert mail["Subject"] == "Ihre Bestellung ist bestätigt"
    assert mail["From"] == "Lumo Demo <orders@lumo-demo.example>"
    assert mail["To"] == "Jörg <joerg@example.com>"
    assert mail["Message-ID"] == f"<{REFERENCE}@lumo-demo.example>"
    assert mail["Date"] == "Sat, 21 Nov 2026 12:00:00 +0000"
    assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "de")
    assert (mail["Reply-To"], mail["List-Unsubscribe"]) == (None, None)


def test_no_value_begins_a_header_of_its_own() -> None:
    evil = "x\r\nBcc: everybody@example.com\r\n\r\nbody\u2028\x00"

    mail = a_mail(an_envelope(subject=evil, name=evil, sender_name=evil))

    assert mail["Bcc"] is None
    assert mail["Subject"] == "x Bcc: everybody@example.com body"
    assert [one.addr_spec for one in mail["To"].addresses] == ["joerg@example.com"]
    assert [one.addr_spec for one in mail["From"].addresses] == ["orders@lumo-demo.example"]


def test_answers_and_goodbyes_go_where_they_are_told_to() -> None:
    mail = a_mail(
        an_envelope(sender_name="Lumo"),
        reply_to="help@lumo-demo.example",
        list_unsubscribe="<https://lumo-demo.example/off>",
    )

    assert mail["From"] == "Lumo <orders@lumo-demo.example>"
    assert mail["Reply-To"] == "help@lumo-demo.example"
    assert mail["List-Unsubscribe"] == "<https://lumo-demo.example/off>"


def test_a_long_subject_in_any_script_stays_one_header() -> None:
    subject = "您的订单已部分发货 " * 20

    mail = a_mail(an_envelope(subject=subject))

    assert mail["Subject"] == subject.strip()
