"""Shopee's words and ours.

Source: Shopee Open Platform guides, "Order management" and "V2.0 Data Definition" (order and logistics
statuses, document types), seen 2026-11; congminh1254/shopee-sdk `src/schemas/order.ts`. What is unconfirmed
is in README.md.
"""

from typing import Final

UNPAID: Final = "UNPAID"
#: Paid, and kept back by Shopee: `pending_terms` says why. Told only to who asks for it.
PENDING: Final = "PENDING"
CANCELLED: Final = "CANCELLED"
#: The buyer has asked for a cancel that nobody has answered yet.
IN_CANCEL: Final = "IN_CANCEL"
READY_TO_SHIP: Final = "READY_TO_SHIP"
#: May be sent. PROCESSED: its shipment is arranged; RETRY_SHIP: nobody came for it.
TO_SEND: Final = frozenset({READY_TO_SHIP, "PROCESSED", "RETRY_SHIP"})
SENT: Final = frozenset({"SHIPPED"})
ARRIVED: Final = frozenset({"TO_CONFIRM_RECEIVE", "TO_RETURN", "COMPLETED"})
STATUSES: Final = TO_SEND | SENT | ARRIVED | {UNPAID, PENDING, CANCELLED, IN_CANCEL}

SELLER_FULFILLED: Final = frozenset({"fulfilled_by_cb_seller", "fulfilled_by_local_seller"})
SHOPEE_FULFILLED: Final = frozenset({"fulfilled_by_shopee"})

#: Pushes by their `code`.
ORDER_STATUS: Final = 3
#: A person has to do something with the authorisation: none of our jobs can.
FOR_A_PERSON: Final = {
    2: "the shop has taken the app's authorisation back",
    12: "the shop's authorisation of the app runs out, have it authorised again",
}

#: A package that waits for its shipment to be arranged, and one where that is done.
TO_ARRANGE: Final = frozenset({"LOGISTICS_READY"})
ARRANGED: Final = frozenset({"LOGISTICS_REQUEST_CREATED", "LOGISTICS_PICKUP_RETRY"})
#: Not to be arranged yet: the payment or its screening is not over.
NOT_YET: Final = frozenset({"LOGISTICS_NOT_START", "LOGISTICS_PENDING_ARRANGE"})

DOCUMENT_TYPES: Final = (
    "NORMAL_AIR_WAYBILL",
    "THERMAL_AIR_WAYBILL",
    "NORMAL_JOB_AIR_WAYBILL",
    "THERMAL_JOB_AIR_WAYBILL",
)
#: What an answer's `error` says, as integrations report it; `acceess` is Shopee's own spelling.
TOKEN_ERRORS: Final = frozenset({"invalid_acceess_token", "invalid_access_token", "error_auth"})
THROTTLE_ERRORS: Final = frozenset({"error_rate_limit", "error_too_many_request", "error_limit"})
#: Their own failure: a question can be asked again, of a change nobody knows.
SERVER_ERRORS: Final = frozenset({"error_server", "error_inner", "error_network", "system_error"})

ORDER_FIELDS: Final = (
    "buyer_user_id",
    "buyer_username",
    "recipient_address",
    "note",
    "item_list",
    "pay_time",
    "buyer_cancel_reason",
    "cancel_by",
    "cancel_reason",
    "buyer_cpf_id",
    "fulfillment_flag",
    "package_list",
    "shipping_carrier",
    "checkout_shipping_carrier",
    "payment_method",
    "total_amount",
)
