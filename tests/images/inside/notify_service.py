"""Prints an amount and a day as buyers of the locales that are given as arguments read them."""

import sys
from datetime import UTC, datetime

from notify_service.adapters.formats import day, locale_of, money
from notify_service.domain.languages import choose
from notify_service.domain.order import Amount

for tag in sys.argv[1:]:
    speech = choose(tag)
    locale = locale_of(speech)
    for amount in (Amount(-1234567, "EUR", 2), Amount(1999, "JPY", 0), Amount(1001, "USD", 3)):
        print(ascii((tag, speech.locale, money(amount, locale))))
    print(ascii((tag, day(datetime(2026, 2, 28, tzinfo=UTC), locale))))
