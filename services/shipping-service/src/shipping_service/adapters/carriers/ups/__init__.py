"""UPS: one call sells a shipment and answers its label, which can be got again. See README.md."""

from shipping_service.adapters.carriers.ups.client import UpsGateway
from shipping_service.adapters.carriers.ups.settings import UpsSettings
from shipping_service.use_cases.ports import Capabilities, Carrier, CarrierGateway


def _open_gateway() -> CarrierGateway:
    return UpsGateway(UpsSettings.load())


CARRIER = Carrier(
    code="ups",
    # `find` gets a label again by our reference, and never says that none was sold: "not found" may only be
    # too early. UPS makes an invoice too, but not in `makes`: where its answer has none, ours is printed.
    capabilities=Capabilities(can_find=True, can_void=True, void_is_async=False),
    open_gateway=_open_gateway,
)
