"""Which language a message is in: the buyer's, else the shop's, else English."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class Language:
    """One we write in. `tag` is what a mail says it is in; the folder of its templates is `code`."""

    code: str
    tag: str


#: By the first part of a BCP 47 tag. Traditional Chinese and European Portuguese are read in the other form.
LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        "en": Language("en", "en"),
        "zh": Language("zh", "zh-Hans"),
        "de": Language("de", "de"),
        "pt": Language("pt", "pt-BR"),
    }
)
FALLBACK = LANGUAGES["en"]


@dataclass(frozen=True, slots=True)
class Speech:
    """The language, and the locale (BCP 47) that amounts and dates are written in: always one of it."""

    language: Language
    locale: str


def choose(*wanted: str | None) -> Speech:
    """The first of the wished tags that we write in: exactly, or by its language alone.

    A wish is tried down to its language before the next wish is: `de-AT` is German before anything else.
    """
    for tag in _readable(wanted):
        language = LANGUAGES.get(re.split("[-_]", tag)[0].lower())
        if language is not None:
            return Speech(language, tag.replace("_", "-"))
    return Speech(FALLBACK, FALLBACK.tag)


def _readable(wanted: Iterable[str | None]) -> Iterable[str]:
    return (tag.strip() for tag in wanted if tag is not None and _TAG.fullmatch(tag.strip()))
