"""Cancels of ours, told to one shop.

Source: developer.woocommerce.com, REST API v3 "Orders" and "Order refunds", and woocommerce/woocommerce
`class-wc-rest-order-refunds-controller.php`, read 2026-11-22.
"""

from decimal import Decimal
from typing import Final

from pydantic import TypeAdapter

from order_service.adapters.marketplaces.woocommerce import codes, mapping, wire
from order_service.adapters.marketplaces.woocommerce.client import WooCommerceGateway, read
from order_service.domain.money import exponent, sum_to_minor, to_minor
from order_service.use_cases.marketplace import MarketplaceRefused, MarketplaceRefusedInPart

_ORDER: Final[TypeAdapter[wire.Order]] = TypeAdapter(wire.Order)
_MADE: Final[TypeAdapter[wire.Refund]] = TypeAdapter(wire.Refund)


class WooCommerceCanceller:
    def __init__(self, gateway: WooCommerceGateway, *, refund: bool) -> None:
        """`refund`: the shop's payment gateway is asked to give the buyer back what was paid."""
        self._gateway = gateway
        self._refund = refund

    async def cancel(self, external_id: str, reason: str) -> str:
        """Set the order's status to cancelled, then refund it if that is wanted; its number. WooCommerce puts
        back the stock it had taken and mails the seller.

        Safe to repeat: it looks first, and a refund that was begun is among the order's. Raises
        MarketplaceRefusedInPart when the order is cancelled and the refund refused.
        """
        path = f"/wc/v3/orders/{external_id}"
        order = read(_ORDER, await self._gateway.ask(path))
        if order.status not in codes.CANCELLED | {codes.REFUNDED}:
            if order.status == codes.COMPLETED or mapping.told_parcels(order):
                raise MarketplaceRefused("order_was_sent")
            order = await self._gateway.change("PUT", path, {"status": codes.CANCEL}, _ORDER)
        amount = to_refund(order)
        if self._refund and amount is not None:
            body = {"amount": amount, "api_refund": True}
            try:
                await self._gateway.change("POST", f"{path}/refunds", body, _MADE)
            except MarketplaceRefused as refused:
                raise MarketplaceRefusedInPart(f"refund: {refused.args[0]}") from refused
        return str(order.id)


def to_refund(order: wire.Order) -> str | None:
    """What was paid and not given back yet, as an amount of theirs; None: nothing. An order that is called
    refunded is, by whatever hand.
    """
    if order.date_paid_gmt is None or order.status == codes.REFUNDED:
        return None
    currency = order.currency
    left = to_minor(order.total, currency) + sum_to_minor((one.total for one in order.refunds), currency)
    return str(Decimal(left).scaleb(-exponent(currency))) if left > 0 else None
