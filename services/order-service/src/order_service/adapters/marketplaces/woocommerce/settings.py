"""MARKETPLACE_WOOCOMMERCE_*: what is the same for every shop; a shop's own secrets are in its account."""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from crossdock_chassis.config import Settings


class WooCommerceSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="MARKETPLACE_WOOCOMMERCE_")

    #: Statuses in which an order may be shipped; shops with a status of their own for it name it here.
    ready_statuses: frozenset[str] = Field(default=frozenset({"processing"}), min_length=1)
    #: Shipping methods by which the buyer comes for the goods. (Not in the sources read.)
    pickup_methods: frozenset[str] = frozenset({"local_pickup", "pickup_location"})
    #: Keys of the order's metadata that hold a tax number, and what it is. Plug-ins choose them.
    tax_id_keys: dict[str, str] = Field(default={"_billing_cpf": "cpf", "_billing_vat": "vat"})
    #: Where a tracking number goes: the Shipment Tracking plug-in, a note on the order, or what the shop has.
    tracking: Literal["detect", "shipment_tracking", "order_note"] = "detect"
    #: Whether the buyer sees the note and gets it by mail. notify-service mails the number already.
    note_for_buyer: bool = False
    #: Whether an order whose units have all been told becomes `completed`. WooCommerce mails the buyer then.
    complete_orders: bool = True
    timeout_s: float = Field(default=15.0, gt=0, le=60)
