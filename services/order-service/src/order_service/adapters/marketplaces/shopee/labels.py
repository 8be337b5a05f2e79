"""Labels that Shopee issues: shipment arranged, number waited for, document made, waited for, downloaded.

Source: Shopee's guide "Order management" (sections 8 and 9), seen 2026-11.
"""

from typing import Any, Final

from order_service.adapters.marketplaces.shopee import codes, packages, wire
from order_service.adapters.marketplaces.shopee.client import ShopeeCalls
from order_service.adapters.marketplaces.shopee.orders import ShopeeOrders
from order_service.use_cases.marketplace import (
    IssuedLabel,
    LabelWish,
    MarketplaceRefused,
    NotReadyYet,
)
from order_service.use_cases.ports import Account

RESULT: Final = "/api/v2/logistics/get_shipping_document_result"
CREATE: Final = "/api/v2/logistics/create_shipping_document"
DOWNLOAD: Final = "/api/v2/logistics/download_shipping_document"
READY, PROCESSING, FAILED = "READY", "PROCESSING", "FAILED"
#: How a document begins. HTML and ZIP, which some channels and thermal printing give, cannot be used.
MEDIA_TYPES: Final = {b"%PDF": "application/pdf", b"\x89PNG": "image/png"}


class ShopeeLabels:
    def __init__(self, calls: ShopeeCalls, orders: ShopeeOrders, account: Account, wait_s: float) -> None:
        """`wait_s`: until a number or a document is asked about again."""
        self._calls = calls
        self._orders = orders
        self._options = account.options
        self._wait_s = wait_s

    async def issue_label(self, wish: LabelWish) -> IssuedLabel:
        """The label of the package that holds the wished units. Safe to repeat: every step looks first."""
        order = await self._orders.order(wish.external_id)
        packages.check_to_send(order)
        package = packages.package_of(order, wish.units)
        if package.logistics_status not in codes.ARRANGED:
            await self._arrange(order, package)
        number = await packages.number_of(self._calls, order.order_sn, package.package_number)
        if number is None:
            raise NotReadyYet("shopee gives the number later", retry_after_s=self._wait_s)
        content = await self._document(order.order_sn, package.package_number, number)
        carrier = package.shipping_carrier or order.shipping_carrier or "shopee"
        return IssuedLabel(
            carrier=carrier,
            service=order.checkout_shipping_carrier or carrier,
            tracking_number=number,
            media_type=_media_type(content),
            content=content,
        )

    async def _arrange(self, order: wire.Order, package: wire.Package) -> None:
        packages.check_to_arrange(order, package)
        parameter = await packages.parameter_of(self._calls, order.order_sn, package.package_number)
        how = packages.handing_over(parameter, self._options)
        await packages.arrange(self._calls, order.order_sn, package.package_number, how)

    async def _document(self, order_sn: str, package_number: str, number: str) -> bytes:
        named = {"order_sn": order_sn, "package_number": package_number}
        kind = self._options.get("document_type", codes.DOCUMENT_TYPES[0])
        typed = {**named, "shipping_document_type": kind}
        status = await self._status(typed)
        if status not in {READY, PROCESSING}:
            await self._make({**typed, "tracking_number": number})
            status = FAILED if status == FAILED else await self._status(typed)
        if status == FAILED:  # it is being made anew, for a person who asks again
            raise MarketplaceRefused("document_failed")
        if status != READY:
            raise NotReadyYet("the document is being made", retry_after_s=self._wait_s)
        return await self._calls.download(DOWNLOAD, {"shipping_document_type": kind, "order_list": [named]})

    async def _status(self, wanted: dict[str, Any]) -> str | None:
        """How far the document is; None: nobody has asked for it, which Shopee may call an error."""
        try:
            found = await self._calls.look(RESULT, {"order_list": [wanted]}, wire.DocumentResults)
        except MarketplaceRefused:
            return None
        return next((one.status for one in found.result_list), None)

    async def _make(self, wanted: dict[str, Any]) -> None:
        """Safe to repeat: there is one document of a package."""
        made = await self._calls.change(CREATE, {"order_list": [wanted]}, wire.DocumentResults)
        for one in made.result_list if made else ():
            if one.fail_error:
                raise MarketplaceRefused(one.fail_error[:100])


def _media_type(content: bytes) -> str:
    for beginning, media_type in MEDIA_TYPES.items():
        if content.startswith(beginning):
            return media_type
    raise MarketplaceRefused("document_is_neither_pdf_nor_png")
