"""An envelope as a mail. MIMEText costs a fraction of EmailMessage, and there is one per mail."""

import re
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr, parseaddr

from notify_service.use_cases.ports import Envelope

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def build_mail(
    envelope: Envelope, *, sender: str, reply_to: str | None, list_unsubscribe: str | None
) -> bytes:
    """The whole mail. No value can begin a header of its own: none keeps a control character."""
    name, address = parseaddr(sender)
    mail = MIMEMultipart("alternative")
    mail["From"] = _address(envelope.sender_name or name, address)
    mail["To"] = _address(envelope.name or "", envelope.address)
    mail["Subject"] = _text(envelope.content.subject)
    mail["Date"] = format_datetime(envelope.at)
    mail["Message-ID"] = f"<{envelope.reference}@{address.rpartition('@')[2]}>"
    mail["Content-Language"] = envelope.language_tag
    # RFC 3834: no holiday notice answers this one.
    mail["Auto-Submitted"] = "auto-generated"
    answers = envelope.reply_to or reply_to
    if answers is not None:
        mail["Reply-To"] = _address(*parseaddr(answers))
    if list_unsubscribe is not None:
        mail["List-Unsubscribe"] = list_unsubscribe
    mail.attach(MIMEText(envelope.content.text, "plain", "utf-8"))
    mail.attach(MIMEText(envelope.content.html, "html", "utf-8"))
    return mail.as_bytes()


def _clean(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def _text(text: str) -> str:
    clean = _clean(text)
    return clean if clean.isascii() else Header(clean, "utf-8", header_name="Subject").encode()


def _address(name: str, address: str) -> str:
    return formataddr((_clean(name), address))
