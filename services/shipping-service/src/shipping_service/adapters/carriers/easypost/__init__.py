"""EasyPost: labels of many carriers behind one account. See README.md."""

from shipping_service.adapters.carriers.easypost.client import EasyPostGateway
from shipping_service.adapters.carriers.easypost.settings import EasyPostSettings
from shipping_service.domain.consignment import DocumentKind
from shipping_service.use_cases.ports import Capabilities, Carrier, CarrierGateway


def _open_gateway() -> CarrierGateway:
    return EasyPostGateway(EasyPostSettings.load())


CARRIER = Carrier(
    code="easypost",
    # A shipment is bought once, for good; a purchase whose answer is lost may take as long as one call may.
    capabilities=Capabilities(
        can_find=True,
        can_void=True,
        void_is_async=True,
        pays_once=True,
        settles_s=60.0,
        makes=frozenset(DocumentKind),
    ),
    open_gateway=_open_gateway,
)
