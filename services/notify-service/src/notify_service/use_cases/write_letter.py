"""From an order, a parcel and the facts of a message to what a template may say."""

import re

from notify_service.domain.goods import goods_of, ordered, wanted
from notify_service.domain.messages import Facts, Template
from notify_service.domain.order import KnownOrder, Parcel
from notify_service.use_cases.ports import Letter, ParcelShown, Profile

_PAGE = re.compile(r"https?://[^\s<>\"\\]+")


def write_letter(
    template: Template, order: KnownOrder, parcel: Parcel | None, facts: Facts, profile: Profile
) -> Letter:
    return Letter(
        template=template,
        shop=profile.display_name or order.account,
        name=order.buyer.name,
        order_number=order.order_number,
        placed_at=order.placed_at,
        lines=goods_of(order.lines, (ordered if template is Template.CANCELLED else wanted)(order.lines)),
        total=order.total,
        parcel=None if parcel is None else _shown(parcel, order),
        partial=facts.partial,
        delay=facts.delay,
    )


def _shown(parcel: Parcel, order: KnownOrder) -> ParcelShown:
    url = parcel.tracking_url
    is_page = url is not None and _PAGE.fullmatch(url) is not None
    return ParcelShown(
        carrier=parcel.carrier,
        service=parcel.service,
        tracking_number=parcel.tracking_number,
        # Whatever a carrier sends: nothing but a page is ever put behind a button.
        tracking_url=url if is_page else None,
        contents=goods_of(order.lines, parcel.contents),
    )
