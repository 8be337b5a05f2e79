"""Labels that TikTok issues: the shipment of one of its packages arranged, its document fetched.

Source: the fact sheet's section on tracking; for the document's address EcomPHP/tiktokshop-php
`src/Resources/Fulfillment.php`, read 2026-11-22.
"""

from collections.abc import Sequence
from typing import Final

from order_service.adapters.marketplaces.tiktok_shop import codes, mapping, wire
from order_service.adapters.marketplaces.tiktok_shop.api import TikTokShopApi, refused
from order_service.adapters.marketplaces.tiktok_shop.client import TikTokShopGateway
from order_service.domain.canonical import text_of
from order_service.use_cases.marketplace import IssuedLabel, LabelWish, MarketplaceRefused, NotReadyYet

BEING_MADE_S: Final = 5.0
#: First bytes of a document -> what it is.
KINDS: Final = ((b"%PDF", "application/pdf"), (b"\x89PNG", "image/png"), (b"^XA", "application/zpl"))


class TikTokShopIssuer:
    """`handover`: whether the parcel is fetched (PICKUP) or brought (DROP_OFF)."""

    def __init__(self, api: TikTokShopApi, gateway: TikTokShopGateway, handover: str) -> None:
        self._api = api
        self._gateway = gateway
        self._handover = handover

    async def issue_label(self, wish: LabelWish) -> IssuedLabel:
        """Arrange the shipment of the package with the wish's units, and get its label.

        Safe to repeat: a package that was arranged is not arranged again. Raises NotReadyYet until it has a
        number and a document.
        """
        order = await self._gateway.order(wish.external_id)
        stopped = mapping.may_not_be_sent(order)
        if stopped is not None:
            raise MarketplaceRefused(stopped)
        if order.shipping_type != codes.SHIPPED_BY_TIKTOK:
            raise MarketplaceRefused("seller_issues_the_label")
        package = _package(order, wish)
        if package[0].package_status == codes.TO_FULFILL:
            await self._arrange(package)
            order = await self._gateway.order(wish.external_id)
            package = _package(order, wish)
        return await self._label(order, package[0])

    async def _arrange(self, package: Sequence[wire.LineItem]) -> None:
        path = f"/fulfillment/202309/packages/{package[0].package_id}/ship"
        try:
            await self._api.change(path, {"handover_method": self._handover}, wire.Wire)
        except MarketplaceRefused as error:
            if error.args[0] != refused(codes.ALREADY_SHIPPED):
                raise

    async def _label(self, order: wire.Order, unit: wire.LineItem) -> IssuedLabel:
        number = text_of(unit.tracking_number)
        if number is None:
            raise NotReadyYet("the package has no number yet", retry_after_s=BEING_MADE_S)
        path = f"/fulfillment/202309/packages/{unit.package_id}/shipping_documents"
        document = await self._api.ask(
            path, wire.Document, document_type="SHIPPING_LABEL", document_size="A6"
        )
        if not document.doc_url:
            raise NotReadyYet("the label is being made", retry_after_s=BEING_MADE_S)
        content = await self._api.download(document.doc_url)
        return IssuedLabel(
            carrier=text_of(unit.shipping_provider_name) or "TikTok Shipping",
            service=text_of(order.delivery_option_name) or "TikTok Shipping",
            tracking_number=number,
            media_type=_kind(content),
            content=content,
        )


def _package(order: wire.Order, wish: LabelWish) -> list[wire.LineItem]:
    """TikTok makes the packages; ours has to be one of them, and no other may be mistaken for it."""
    fitting = mapping.packages_of(order, wish.units)
    if not fitting:
        raise MarketplaceRefused("units_are_not_one_package_there")
    if len(fitting) > 1:
        raise MarketplaceRefused("several_packages_have_these_units")
    return fitting[0]


def _kind(content: bytes) -> str:
    for beginning, media_type in KINDS:
        if content.startswith(beginning):
            return media_type
    raise MarketplaceRefused("label_of_unknown_kind")
