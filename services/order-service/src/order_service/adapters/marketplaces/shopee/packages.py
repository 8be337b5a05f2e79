"""Shopee's packages: which one a parcel of ours is, and how its shipment is arranged.

Source: Shopee's guide "Order management" (packages, statuses, arranging shipments), seen 2026-11.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from order_service.adapters.marketplaces.shopee import codes, wire
from order_service.adapters.marketplaces.shopee.client import ShopeeCalls
from order_service.use_cases.marketplace import MarketplaceRefused, NotReadyYet

#: How long a package waits whose payment or screening is not over, in seconds.
NOT_YET_S = 600.0


def package_of(order: wire.Order, units: Mapping[str, int]) -> wire.Package:
    """The package that holds just these units. Shopee splits orders by lines and not for everybody, so a
    person does it there, and then each parcel finds its own.
    """
    wanted = Counter(units)
    found = [one for one in order.package_list if _units(one) == wanted]
    if len(found) != 1:
        raise MarketplaceRefused("parcel_is_no_package" if not found else "packages_are_alike")
    return found[0]


def _units(package: wire.Package) -> Counter[str]:
    units: Counter[str] = Counter()
    for item in package.item_list:
        units[item.key] += item.model_quantity
    return units


def check_to_send(order: wire.Order) -> None:
    """Raises MarketplaceRefused or NotReadyYet unless the order may be sent now."""
    if order.order_status == codes.PENDING or order.pending_terms:
        raise _kept_back()
    if order.order_status not in codes.TO_SEND:
        raise MarketplaceRefused(f"order_is_{order.order_status}"[:100].lower())


def check_to_arrange(order: wire.Order, package: wire.Package) -> None:
    """Raises MarketplaceRefused or NotReadyYet unless the package's shipment can be arranged now."""
    check_to_send(order)
    if package.logistics_status in codes.NOT_YET:
        raise _kept_back()
    if package.logistics_status not in codes.TO_ARRANGE:
        raise MarketplaceRefused(f"package_is_{package.logistics_status}"[:100].lower())


def _kept_back() -> NotReadyYet:
    return NotReadyYet("shopee keeps the package back", retry_after_s=NOT_YET_S)


async def number_of(calls: ShopeeCalls, order_sn: str, package_number: str) -> str | None:
    """The tracking number; None: there is none yet."""
    answer = await calls.ask(
        "/api/v2/logistics/get_tracking_number",
        wire.TrackingNumber,
        order_sn=order_sn,
        package_number=package_number,
    )
    return answer.tracking_number or None


async def parameter_of(calls: ShopeeCalls, order_sn: str, package_number: str) -> wire.ShippingParameter:
    return await calls.ask(
        "/api/v2/logistics/get_shipping_parameter",
        wire.ShippingParameter,
        order_sn=order_sn,
        package_number=package_number,
    )


async def arrange(calls: ShopeeCalls, order_sn: str, package_number: str, how: Mapping[str, Any]) -> None:
    """Not safe to repeat: look whether it is arranged."""
    body = {"order_sn": order_sn, "package_number": package_number, **how}
    await calls.change("/api/v2/logistics/ship_order", body)


def handing_over(parameter: wire.ShippingParameter, options: Mapping[str, str]) -> Mapping[str, Any]:
    """How the package is handed over, as `ship_order` wants it said: as the account chose, else as Shopee
    offers, a pick-up before a drop-off. Raises MarketplaceRefused with what is missing.
    """
    needed, chosen = parameter.info_needed, options.get("handover")
    if needed.pickup is not None and chosen != "dropoff":
        return {"pickup": _pickup(parameter, options)}
    if needed.dropoff is not None and chosen != "pickup":
        return {"dropoff": _dropoff(needed.dropoff, options)}
    if needed.non_integrated is not None:
        raise MarketplaceRefused("shopee_wants_our_number")
    raise MarketplaceRefused(f"no_{chosen or 'handover'}_for_this_package")


def _pickup(parameter: wire.ShippingParameter, options: Mapping[str, str]) -> Mapping[str, Any]:
    if not parameter.info_needed.pickup:
        return {}
    addresses = parameter.pickup.address_list if parameter.pickup else ()
    wanted = options.get("pickup_address_id")
    if wanted is not None:
        addresses = tuple(one for one in addresses if str(one.address_id) == wanted)
    elif len(addresses) > 1:
        addresses = tuple(one for one in addresses if "pickup_address" in one.address_flag)
    if len(addresses) != 1:
        raise MarketplaceRefused("pickup_address_not_chosen")
    slots = addresses[0].time_slot_list
    if not slots:
        raise MarketplaceRefused("no_time_for_a_pickup")
    slot = next((one for one in slots if "recommended" in one.flags), slots[0])
    given: Mapping[str, Any] = {
        "address_id": addresses[0].address_id,
        "pickup_time_id": slot.pickup_time_id,
    }
    return {name: value for name, value in given.items() if name in parameter.info_needed.pickup}


def _dropoff(needed: tuple[str, ...], options: Mapping[str, str]) -> Mapping[str, Any]:
    known = {"branch_id": options.get("dropoff_branch_id"), "sender_real_name": options.get("sender_name")}
    for name in needed:
        if not known.get(name):
            raise MarketplaceRefused(f"dropoff_needs_{name}"[:100])
    given = {name: known[name] for name in needed}
    return {name: int(str(value)) if name == "branch_id" else value for name, value in given.items()}
