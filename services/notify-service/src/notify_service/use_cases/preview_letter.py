"""What a message looks like: with made-up words, or with those of a real order, its buyer's name masked."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from notify_service.domain.goods import Goods
from notify_service.domain.languages import Speech, choose
from notify_service.domain.messages import Delay, Facts, Template
from notify_service.domain.order import Amount, more_to_come
from notify_service.use_cases.ports import Letter, ParcelShown, Profile, Rendered, Renderer, Transaction
from notify_service.use_cases.write_letter import write_letter

SAMPLE = Letter(
    template=Template.ORDER_CONFIRMED,
    shop="Lumo Demo",
    name="Alex Kim",
    order_number="#1042",
    placed_at=datetime(2026, 12, 3, 12, 0, tzinfo=UTC),
    lines=(Goods(2, "Foldable Phone Stand"), Goods(1, "Desk Set")),
    total=Amount(109998, "EUR", 2),
    parcel=ParcelShown(
        carrier="DHL",
        service="Paket International",
        tracking_number="LZ556677887DE",
        tracking_url="https://tracking.example.com/LZ556677887DE",
        contents=(Goods(2, "Foldable Phone Stand"),),
    ),
    partial=True,
    delay=Delay.CARRIER,
)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a preview shows otherwise than the sample; None leaves it. Only for previews without an order."""

    shop: str | None = None
    name: str | None = None
    order_number: str | None = None
    lines: tuple[Goods, ...] | None = None
    partial: bool | None = None
    delay: Delay | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    speech: Speech
    rendered: Rendered


def preview_sample(
    template: Template, locale: str | None, changes: Changes, profile: Profile, renderer: Renderer
) -> Preview:
    """With made-up words. A delay before there is a parcel is shown without one."""
    given = {name: value for name in Changes.__slots__ if (value := getattr(changes, name)) is not None}
    letter = replace(SAMPLE, template=template, shop=profile.display_name or SAMPLE.shop)
    letter = replace(letter, **given)
    if letter.delay is Delay.PREPARATION:
        letter = replace(letter, parcel=None)
    return _rendered(letter, choose(locale, profile.default_locale), renderer)


async def preview_order(
    template: Template,
    locale: str | None,
    merchant_id: str,
    order_id: UUID,
    renderer: Renderer,
    *,
    tx: Transaction,
) -> Preview:
    """With an order's words; its first parcel where there is one, else the sample's. Raises OrderUnknown."""
    order = await tx.orders.get(merchant_id, order_id)
    parcels = (await tx.parcels.of_orders([order_id])).get(order_id, ())
    profile = await tx.messages.profile(merchant_id, order.account)
    parcel = parcels[0] if parcels else None
    partial = parcel is not None and more_to_come(order, [parcel])
    letter = write_letter(template, order, parcel, Facts(partial=partial, delay=Delay.CARRIER), profile)
    letter = replace(letter, name=_masked(letter.name), parcel=letter.parcel or SAMPLE.parcel)
    return _rendered(letter, choose(locale, order.buyer.locale, profile.default_locale), renderer)


def _rendered(letter: Letter, speech: Speech, renderer: Renderer) -> Preview:
    return Preview(speech, renderer.render(letter, speech))


def _masked(name: str | None) -> str | None:
    return None if name is None else f"{name[:1]}***"
