"""E-mail over SMTP. See README.md."""

from notify_service.adapters.channels.email.channel import EmailChannel
from notify_service.adapters.channels.email.pool import SmtpPool
from notify_service.adapters.channels.email.settings import EmailSettings
from notify_service.use_cases.ports import Channel


def open_channel() -> Channel:
    """All that channel_registry.py reads. Raises InvalidSettings; nothing is connected yet."""
    settings = EmailSettings.load()
    return EmailChannel(SmtpPool(settings), settings)
