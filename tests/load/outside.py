"""The outside calls of every contender, made with the product's own clients: carrier, mail server, shop."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from crossdock_chassis.ids import new_id
from crossdock_chassis.outgoing import open_http_client
from crossdock_cli.demo.world import CURRENCIES, GOODS, PLACES, WAREHOUSES
from notify_service.adapters.channels.email import open_channel
from notify_service.adapters.rendering import TemplateRenderer
from notify_service.domain.goods import Goods
from notify_service.domain.languages import choose
from notify_service.domain.messages import Template
from notify_service.domain.order import Amount
from notify_service.use_cases.ports import Envelope, Letter, ParcelShown
from order_service.adapters.marketplaces.shopify.client import ShopifyGateway
from order_service.adapters.marketplaces.shopify.settings import ShopifySettings
from order_service.domain.order import LabelSource, Policy
from order_service.use_cases.marketplace import Tracking
from order_service.use_cases.ports import Account, Secrets
from shipping_service.adapters.carriers.easypost.client import EasyPostGateway
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings
from shipping_service.domain.consignment import Address, BoughtLabel, Box, ConsignmentRequest, CustomsItem

from .accepted import Line, Order

#: Where the shop is: `BENCH_SHOP_URL`, `BENCH_SHOP_TOKEN` and `BENCH_SHOP_NAME`.
SHOP_PREFIX = "BENCH_SHOP_"
CALLS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Label:
    """What goes on from a bought label; the files stay where they were written."""

    carrier_ref: str
    carrier: str
    service: str
    tracking_number: str
    tracking_url: str | None


class _Unmetered:
    """What is done by hand keeps no quotas."""

    async def take(self, operation: str) -> None: ...

    async def learn(self, operation: str, rate_per_s: float) -> None: ...


class Outside:
    """Opened once per process, inside the event loop. The addresses and keys are in the environment."""

    def __init__(self) -> None:
        shop = {name: os.environ[f"{SHOP_PREFIX}{name.upper()}"] for name in ("url", "token", "name")}
        settings = ShopifySettings.load()
        self._carrier = EasyPostGateway(EasyPostSettings.load())
        self._channel = open_channel()
        self._renderer = TemplateRenderer()
        self._http = open_http_client("marketplaces", max_connections=CALLS_AT_ONCE)
        self._shop_name = shop["name"]
        self._shop = ShopifyGateway(
            self._http,
            _account(shop),
            _Unmetered(),
            api_version=settings.api_version,
            timeout_s=settings.timeout_s,
        )

    async def close(self) -> None:
        await self._carrier.close()
        await self._channel.close()
        await self._http.aclose()

    async def buy_label(self, order: Order) -> BoughtLabel:
        """Create the shipment, buy it as it was offered and fetch its files."""
        request = consignment(order)
        return await self._carrier.buy(request, await self._carrier.prepare(request))

    async def confirm(self, order: Order) -> str:
        """Mail that the order has come in; the server's answer."""
        return await self._mail(order, Template.ORDER_CONFIRMED, None)

    async def tell_shipped(self, order: Order, label: Label) -> str:
        """Mail that the parcel is on its way; the server's answer."""
        shown = ParcelShown(
            label.carrier, label.service, label.tracking_number, label.tracking_url, _goods(order)
        )
        return await self._mail(order, Template.SHIPPED, shown)

    async def write_back(self, order: Order, label: Label) -> str:
        """Tell the shop the tracking number; its reference of the fulfilment."""
        return await self._shop.write_back(
            Tracking(
                external_id=order.external_id,
                tracking_number=label.tracking_number,
                tracking_url=label.tracking_url,
                carrier=label.carrier,
                units={line.external_id: 1 for line in order.lines},
            )
        )

    async def _mail(self, order: Order, template: Template, parcel: ParcelShown | None) -> str:
        place = PLACES[order.place]
        speech, now = choose(place.locale), datetime.now(UTC)
        letter = Letter(
            template=template,
            shop=self._shop_name,
            name=f"{place.first_name} {place.last_name}",
            order_number=order.number,
            placed_at=now,
            lines=_goods(order),
            total=Amount(sum(GOODS[line.name].cents for line in order.lines), place.currency, 2),
            parcel=parcel,
        )
        envelope = Envelope(
            reference=new_id(),
            address=order.email,
            name=letter.name,
            sender_name=self._shop_name,
            reply_to=None,
            language_tag=speech.language.tag,
            content=self._renderer.render(letter, speech),
            at=now,
        )
        return await self._channel.hand_over(self._channel.pack(envelope))


def label_of(bought: BoughtLabel) -> Label:
    return Label(
        bought.carrier_ref, bought.carrier, bought.service, bought.tracking_number, bought.tracking_url
    )


def consignment(order: Order) -> ConsignmentRequest:
    """The one parcel of the order, with its customs papers where it crosses a border."""
    warehouse, place = WAREHOUSES[order.warehouse], PLACES[order.place]
    return ConsignmentRequest(
        reference=order.order_id,
        service=order.service,
        ship_from=Address(
            name=warehouse["name"],
            company=warehouse["company"],
            lines=tuple(warehouse["address_lines"]),
            city=warehouse["city"],
            province=warehouse.get("province"),
            postal_code=warehouse["postal_code"],
            country=warehouse["country"],
            phone=warehouse["phone"],
        ),
        ship_to=Address(
            name=f"{place.first_name} {place.last_name}",
            lines=tuple(line for line in (place.street, place.street2) if line),
            city=place.city,
            province=place.province,
            postal_code=place.zip,
            country=place.country,
            phone=place.phone,
            email=order.email,
        ),
        box=Box(order.weight_g),
        customs=tuple(_customs(line, place.currency) for line in order.lines) if order.is_abroad else (),
        incoterm="DAP" if order.is_abroad else None,
    )


def _customs(line: Line, currency: str) -> CustomsItem:
    goods = GOODS[line.name]
    return CustomsItem(
        sku=line.sku,
        description=goods.customs,
        units=1,
        unit_value=Decimal(round(goods.cents * CURRENCIES[currency][0])) / 100,
        currency=currency,
        unit_weight_g=goods.weight_g,
        hs_code=goods.hs_code,
        origin_country=goods.origin,
    )


def _goods(order: Order) -> tuple[Goods, ...]:
    return tuple(Goods(1, GOODS[line.name].title) for line in order.lines)


def _account(shop: Mapping[str, str]) -> Account:
    return Account(
        merchant_id="default",
        account=shop["name"],
        platform="shopify",
        shop_ref=f"{shop['name']}.myshopify.com",
        api_base_url=shop["url"],
        secrets=Secrets(access_token=shop["token"]),
        policy=Policy.BACKORDER,
        label_source=LabelSource.CARRIER,
        ship_by_days=2,
        domestic_countries=frozenset({"DE"}),
        may_write=True,
        incoterm="DAP",
        unpaid_hours=24,
        active=True,
    )
