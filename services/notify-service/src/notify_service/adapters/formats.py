"""Amounts and dates as people of a locale write them (Babel, CLDR)."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, get_currency_precision

from notify_service.domain.languages import Speech
from notify_service.domain.order import Amount


@lru_cache(maxsize=500)
def locale_of(speech: Speech) -> Locale:
    """The speech's own locale where Babel knows it, else its language's."""
    for tag in (speech.locale, speech.language.tag):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    raise UnknownLocaleError(speech.language.tag)


def money(amount: Amount, locale: Locale) -> str:
    """The whole amount: nothing is rounded away that was paid."""
    value = Decimal(amount.amount_minor).scaleb(-amount.exponent)
    digits = get_currency_precision(amount.currency)
    exact = value == round(value, digits)
    return format_currency(value, amount.currency, locale=locale, decimal_quantization=exact)


def day(at: datetime, locale: Locale) -> str:
    """The long form, since every short one is read in two ways. The day is UTC's."""
    return format_date(at.astimezone(UTC), format="long", locale=locale)
