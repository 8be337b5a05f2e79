from uuid import uuid4

import pytest

from notify_service.domain.messages import Facts, Template
from notify_service.domain.order import KnownOrder, Parcel
from notify_service.use_cases.ports import Profile
from notify_service.use_cases.write_letter import write_letter


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://track.example.com/1?a=b&c=d", True),
        ("http://track.example.com/1", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://track.example.com/1\nBuy: https://evil.example", False),
        ('https://track.example.com/"><script>', False),
        ("//track.example.com/1", False),
        (None, False),
    ],
)
def test_nothing_but_a_page_is_put_behind_a_button(url: str | None, shown: bool) -> None:
    order = KnownOrder(uuid4(), "default", account="main")
    parcel = Parcel(uuid4(), "default", order.order_id, "DHL", "Paket", "1", url, {})

    letter = write_letter(Template.SHIPPED, order, parcel, Facts(parcel.parcel_id), Profile())

    assert letter.parcel is not None
    assert letter.parcel.tracking_url == (url if shown else None)


def test_a_shop_without_a_profile_signs_with_its_account() -> None:
    order = KnownOrder(uuid4(), "default", account="main")

    letters = [
        write_letter(Template.CANCELLED, order, None, Facts(), profile)
        for profile in (Profile(), Profile(display_name="Lumo"))
    ]

    assert [one.shop for one in letters] == ["main", "Lumo"]
