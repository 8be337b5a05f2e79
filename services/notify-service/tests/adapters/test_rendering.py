"""Every template in every language, with much, with little, and with what strangers write into it."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from jinja2 import Environment, TemplateError, meta

from notify_service.adapters.rendering import FOLDER, TemplateRenderer
from notify_service.domain.goods import Goods
from notify_service.domain.languages import LANGUAGES, Speech, choose
from notify_service.domain.messages import Delay, Template
from notify_service.domain.order import Amount
from notify_service.use_cases.ports import Letter
from notify_service.use_cases.preview_letter import SAMPLE

RENDERER = TemplateRenderer()
EVIL = "<script>alert(1)</script>\r\nBcc: all@example.com\u202e{{ 7*7 }}"
POOR = replace(SAMPLE, name=None, placed_at=None, total=None, lines=(), partial=False)

everywhere = pytest.mark.parametrize("language", list(LANGUAGES))
everything = pytest.mark.parametrize("template", list(Template))


def speech(language: str) -> Speech:
    return choose(LANGUAGES[language].tag)


class Checker(HTMLParser):
    """Notes tags that were never closed, and what links there are."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    return checker


@everywhere
@everything
@pytest.mark.parametrize("letter", [SAMPLE, POOR], ids=["much", "little"])
def test_every_template_renders_in_every_language(language: str, template: Template, letter: Letter) -> None:
    rendered = RENDERER.render(replace(letter, template=template), speech(language))

    page = checked(rendered.html)
    assert "\n" not in rendered.subject
    assert "#1042" in rendered.subject
    assert "#1042" in rendered.text
    assert "#1042" in rendered.html
    assert f'lang="{LANGUAGES[language].tag}"' in rendered.html
    assert "None" not in rendered.text + rendered.html
    assert "{" not in rendered.text + rendered.html
    assert "\n\n\n" not in rendered.text
    assert page.links == (
        [SAMPLE.parcel.tracking_url]
        if SAMPLE.parcel and template in {Template.SHIPPED, Template.DELAYED}
        else []
    )


@everywhere
@pytest.mark.parametrize("delay", list(Delay))
def test_every_reason_of_a_delay_has_its_own_words_and_paragraphs(language: str, delay: Delay) -> None:
    parcel = None if delay is Delay.PREPARATION else SAMPLE.parcel
    letter = replace(SAMPLE, template=Template.DELAYED, delay=delay, parcel=parcel)

    rendered = RENDERER.render(letter, speech(language))

    others = [
        RENDERER.render(replace(letter, delay=one, parcel=SAMPLE.parcel), speech(language)).text
        for one in Delay
        if one is not delay
    ]
    assert rendered.text not in others
    assert len(rendered.text.split("\n\n")) >= 5
    checked(rendered.html)


@everything
@pytest.mark.parametrize("form", ["subject.txt", "txt", "html"])
def test_all_languages_say_the_same_things(template: Template, form: str) -> None:
    said = {}
    for language in LANGUAGES:
        source = (FOLDER / language / f"{template.value}.{form}").read_text()
        tree = Environment(autoescape=True).parse(source)
        values = set(re.findall(r"\{\{ *([\w.]+) *\}\}", source))
        said[language] = (meta.find_undeclared_variables(tree), values)

    assert all(one == said["en"] for one in said.values())


@everywhere
@everything
def test_what_others_wrote_stays_text_on_one_line(language: str, template: Template) -> None:
    parcel = SAMPLE.parcel
    assert parcel is not None
    letter = replace(
        SAMPLE,
        template=template,
        shop=EVIL,
        name=EVIL,
        order_number=EVIL,
        lines=(Goods(1, EVIL),),
        parcel=replace(parcel, carrier=EVIL, tracking_number=EVIL, contents=(Goods(1, EVIL),)),
    )

    rendered = RENDERER.render(letter, speech(language))

    assert "script" not in checked(rendered.html).seen
    assert "\u202e" not in rendered.text + rendered.html + rendered.subject
    assert "49" not in rendered.subject
    assert not re.search("^Bcc:", rendered.text, re.MULTILINE)
    assert "\n" not in rendered.subject


@pytest.mark.parametrize(
    ("locale", "amount", "expected"),
    [
        ("de-DE", Amount(109998, "EUR", 2), "1.099,98\xa0€"),
        ("en-US", Amount(109998, "USD", 2), "$1,099.98"),
        ("en-CA", Amount(109998, "USD", 2), "US$1,099.98"),
        ("pt-BR", Amount(109998, "BRL", 2), "R$\xa01.099,98"),
        ("zh-Hans", Amount(109998, "CNY", 2), "¥1,099.98"),
        ("en", Amount(1234, "JPY", 0), "¥1,234"),
        ("en", Amount(12345, "JPY", 1), "¥1,234.5"),
        ("de-XX", Amount(1000, "EUR", 2), "10,00\xa0€"),
    ],
)
def test_amounts_are_whole_and_written_as_in_the_buyers_locale(
    locale: str, amount: Amount, expected: str
) -> None:
    letter = replace(SAMPLE, template=Template.ORDER_CONFIRMED, total=amount)

    rendered = RENDERER.render(letter, choose(locale))

    assert expected in rendered.text


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("de-AT", "3. Dezember 2026"),
        ("en-US", "December 3, 2026"),
        ("en-GB", "3 December 2026"),
        ("pt-BR", "3 de dezembro de 2026"),
        ("zh-CN", "2026年12月3日"),
    ],
)
def test_dates_are_written_in_full(locale: str, expected: str) -> None:
    letter = replace(SAMPLE, template=Template.ORDER_CONFIRMED)

    rendered = RENDERER.render(letter, choose(locale))

    assert expected in rendered.text


def test_a_folder_without_a_template_stops_the_start(tmp_path: object) -> None:
    with pytest.raises(TemplateError):
        TemplateRenderer(FOLDER / "de")
