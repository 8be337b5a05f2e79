"""What a person has to see: every code has an owner and a next step."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Guide:
    owner: str
    next_step: str


_SELLER, _WAREHOUSE, _CARE, _OPERATOR = "seller", "warehouse", "customer care", "operator"

GUIDES: Final[Mapping[str, Guide]] = MappingProxyType(
    {
        "cancel_refused": Guide(_CARE, "what had left stays shipped: agree on a return or refuse the cancel"),
        "cancelled_after_close": Guide(
            _CARE, "the marketplace cancelled a shipped order: ask for the goods back"
        ),
        "changed_after_close": Guide(
            _CARE, "the buyer changed a shipped order: tell the buyer what is possible"
        ),
        "change_refused": Guide(
            _CARE, "the parcel left with the old address: ask the carrier to redirect it"
        ),
        "shipped_after_cancel": Guide(
            _CARE, "goods of a cancelled order left: get them back or charge again"
        ),
        "shipped_while_held": Guide(
            _SELLER, "goods left while the order was held: check the reason of the hold"
        ),
        "reserved_after_cancel": Guide(_OPERATOR, "the cancel was said again; see that the stock comes free"),
        "reserved_after_close": Guide(_OPERATOR, "stock is kept for a closed order: release it by hand"),
        "rejected_after_close": Guide(
            _OPERATOR, "a shipment of a closed order was rejected: compare with shipping"
        ),
        "label_asked_after_close": Guide(
            _OPERATOR, "a label was asked for a closed order: compare with shipping"
        ),
        "shipment_rejected": Guide(_SELLER, "correct the field that is named and the label is bought again"),
        "rejected_after_shipping": Guide(_OPERATOR, "compare with shipping: a shipped leg was rejected"),
        "cancelled_after_shipping": Guide(_OPERATOR, "compare with shipping: a shipped leg was cancelled"),
        "withdraw_refused": Guide(_SELLER, "units that are not wanted any more are shipped: tell the buyer"),
        "refused_after_cancel": Guide(_OPERATOR, "compare with shipping: a cancelled leg was refused"),
        "released_after_shipping": Guide(
            _OPERATOR, "compare with inventory: units of a shipped leg were released"
        ),
        "parcel_trouble": Guide(_CARE, "ask the carrier and tell the buyer"),
        "parcel_lost": Guide(_CARE, "open a claim and offer a new parcel or the money"),
        "parcel_returned": Guide(_CARE, "ask the buyer for the address, then send again or refund"),
        "lost_after_delivery": Guide(_CARE, "ask the carrier for the proof of delivery"),
        "lost_after_return": Guide(_WAREHOUSE, "look for the returned parcel"),
        "trouble_after_delivery": Guide(_CARE, "ask the carrier what happened after the delivery"),
        "delivered_after_return": Guide(_WAREHOUSE, "find out where the parcel really is"),
        "unfilled": Guide(_SELLER, "retry when there is stock, or cancel what is left"),
        "write_back_refused": Guide(
            _SELLER, "the marketplace refused the tracking number: enter it there by hand"
        ),
        "write_back_overdue": Guide(
            _OPERATOR, "the marketplace has not confirmed the tracking number in time: look there, then retry"
        ),
        "cancel_there_refused": Guide(
            _SELLER, "the marketplace refused our cancel: cancel the order in its console"
        ),
        "cancel_there_in_part": Guide(
            _SELLER,
            "the marketplace cancelled only part of it: finish what the codes name there, then close this",
        ),
        "cancel_there_overdue": Guide(
            _OPERATOR, "the marketplace has not confirmed our cancel in time: look there, then retry"
        ),
        "cancel_there_by_hand": Guide(
            _SELLER, "this marketplace takes no cancels from us: cancel the order in its console"
        ),
        "label_refused": Guide(
            _SELLER, "the marketplace issued no usable label: mend what the code names, then retry"
        ),
        "label_overdue": Guide(
            _OPERATOR, "the marketplace has not issued the label in time: look there, then retry"
        ),
        "label_in_doubt": Guide(
            _OPERATOR, "cancelled while the marketplace made a label: look there, and void it if it exists"
        ),
        "labels_not_configured": Guide(
            _OPERATOR, "this marketplace issues no labels: set the account's label source to carrier"
        ),
        "deferred_too_long": Guide(_OPERATOR, "news of this order waits for news that does not come"),
        "unknown_order": Guide(
            _OPERATOR, "another service speaks of an order that is not here: compare the databases"
        ),
        "erasure_asked": Guide(
            _OPERATOR,
            "the buyer has closed the account there: order-service erases what it keeps, once the order has "
            "ended; see whether shipping and notify have to do so before their time",
        ),
        "fetch_refused": Guide(
            _OPERATOR,
            "the marketplace does not show an order that it spoke of: look there, then re-import the message",
        ),
    }
)
