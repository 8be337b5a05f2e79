"""Why we cancel an order, in the words that marketplaces are told."""

from enum import StrEnum

from order_service.domain.holds import HoldReason
from order_service.domain.order import Order


class CancelReason(StrEnum):
    OUT_OF_STOCK = "out_of_stock"
    RISK = "risk"
    UNPAID = "unpaid"
    MERCHANT = "merchant"  # a person said so, for a reason of theirs


def cancel_reason(order: Order) -> CancelReason:
    """What the order waited for when it was cancelled; without any of that it was the merchant's word."""
    holds = order.process.holds
    if HoldReason.RISK in holds:
        return CancelReason.RISK
    if HoldReason.UNPAID in holds:
        return CancelReason.UNPAID
    if HoldReason.OUT_OF_STOCK in holds or order.process.stock.unfilled:
        return CancelReason.OUT_OF_STOCK
    return CancelReason.MERCHANT
