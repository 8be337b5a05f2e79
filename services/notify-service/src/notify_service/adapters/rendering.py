"""Letters as text and HTML: Jinja2 over the files in templates/, compiled once."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2 import Template as Compiled
from jinja2.sandbox import ImmutableSandboxedEnvironment

from notify_service.adapters.formats import day, locale_of, money
from notify_service.domain.goods import Goods
from notify_service.domain.languages import LANGUAGES, Speech
from notify_service.domain.messages import Template
from notify_service.use_cases.ports import Letter, ParcelShown, Rendered

FOLDER = Path(__file__).parents[1] / "templates"
FORMS = ("subject.txt", "txt", "html")
MAX_SUBJECT_CHARS = 200

# Line breaks, other control characters, and the marks that turn the direction of what follows them.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
# Where a part was left out, one empty line is enough.
_GAP = re.compile(r"\n{3,}")


class TemplateRenderer:
    """Every template in every language. Raises jinja2.TemplateError at start when a file is broken."""

    def __init__(self, folder: Path = FOLDER) -> None:
        environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            autoescape=lambda name: name is not None and name.endswith(".html"),
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._compiled: Mapping[tuple[str, Template, str], Compiled] = MappingProxyType(
            {
                (language, template, form): environment.get_template(f"{language}/{template.value}.{form}")
                for language in LANGUAGES
                for template in Template
                for form in FORMS
            }
        )

    def render(self, letter: Letter, speech: Speech) -> Rendered:
        """Raises jinja2.UndefinedError when the letter lacks what the template says: a defect."""
        words = _words(letter, speech)
        subject, text, html = (
            self._compiled[speech.language.code, letter.template, form].render(words) for form in FORMS
        )
        return Rendered(
            subject=" ".join(subject.split())[:MAX_SUBJECT_CHARS], html=html, text=_GAP.sub("\n\n", text)
        )


def _words(letter: Letter, speech: Speech) -> dict[str, Any]:
    locale = locale_of(speech)
    return {
        "language": speech.language.tag,
        "shop": _line(letter.shop),
        "name": None if letter.name is None else _line(letter.name) or None,
        "order_number": _line(letter.order_number),
        "placed_on": None if letter.placed_at is None else day(letter.placed_at, locale),
        "lines": [_goods(one) for one in letter.lines],
        "total": None if letter.total is None else money(letter.total, locale),
        "parcel": None if letter.parcel is None else _parcel(letter.parcel),
        "partial": letter.partial,
        "delay": None if letter.delay is None else letter.delay.value,
    }


def _goods(goods: Goods) -> dict[str, Any]:
    return {"units": goods.units, "title": _line(goods.title)}


def _parcel(parcel: ParcelShown) -> dict[str, Any]:
    return {
        "carrier": _line(parcel.carrier),
        "service": _line(parcel.service),
        "tracking_number": _line(parcel.tracking_number),
        "tracking_url": parcel.tracking_url,
        "contents": [_goods(one) for one in parcel.contents],
    }


def _line(text: str) -> str:
    """What others wrote, as one line: it cannot begin a line of its own."""
    return " ".join(_UNSEEN.sub(" ", text).split())
