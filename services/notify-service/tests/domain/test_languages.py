import pytest

from notify_service.domain.languages import choose


@pytest.mark.parametrize(
    ("wanted", "tag", "locale"),
    [
        (("de-AT",), "de", "de-AT"),
        (("pt_PT",), "pt-BR", "pt-PT"),
        (("zh-Hant-TW",), "zh-Hans", "zh-Hant-TW"),
        (("zh",), "zh-Hans", "zh"),
        (("EN-gb",), "en", "EN-gb"),
        (("fr-FR", "de"), "de", "de"),
        (("fr-FR", "pl"), "en", "en"),
        ((None, None), "en", "en"),
        (("../../etc", "de"), "de", "de"),
        (("", "x" * 40), "en", "en"),
    ],
)
def test_the_first_wish_counts_that_we_write_in(wanted: tuple[str, ...], tag: str, locale: str) -> None:
    speech = choose(*wanted)

    assert (speech.language.tag, speech.locale) == (tag, locale)
