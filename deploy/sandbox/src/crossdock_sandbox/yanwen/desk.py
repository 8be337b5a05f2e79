"""What the calls about orders do. Each runs inside the caller's transaction."""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from crossdock_sandbox.countries import POSTAL_CODE_NEEDED
from crossdock_sandbox.labels import Label
from crossdock_sandbox.parcels import is_plausible
from crossdock_sandbox.yanwen.store import CANCELLED, RECEIVED, Order, Store
from crossdock_sandbox.yanwen.wire import (
    DUPLICATE,
    INVALID,
    NO_SUCH_CHANNEL,
    NOT_FOUND,
    TOO_LATE,
    AskLabel,
    CancelOrder,
    CreateOrder,
    ListOrders,
    OneOrder,
    Refused,
    invalid,
)

#: Channels and whether they take goods with a battery.
CHANNELS = {"481": ("Yanwen Tracked Line General", 0), "484": ("Yanwen Tracked Line Special", 1)}
HEAVIEST_G = 30_000  # two kilograms were seen for some channels; not confirmed
REFUSE_ADDRESS = "REFUSE ADDRESS"

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Desk:
    """`label_delay_s`, `cancel_delay_s`: how long after its order a label comes, and a cancel is done."""

    store: Store
    user_id: str
    label_delay_s: float
    cancel_delay_s: float

    def methods(self) -> Mapping[str, Callable[[bytes], Any]]:
        """What may be called by which name; each takes the body and gives what stands in `data`."""
        return {
            "express.channel.getlist": self._channels,
            "express.order.create": lambda body: self._create(_read(body, CreateOrder)),
            "express.order.get": lambda body: _told(self._known(_read(body, OneOrder).waybillNumber)),
            "express.order.getlist": lambda body: self._list(_read(body, ListOrders)),
            "express.order.label.get": lambda body: self._label(_read(body, AskLabel)),
            "express.order.cancel": lambda body: self._cancel(_read(body, CancelOrder)),
        }

    def _channels(self, _body: bytes) -> list[dict[str, str]]:
        return [{"id": one, "nameCh": name, "nameEn": name} for one, (name, _) in CHANNELS.items()]

    def _create(self, asked: CreateOrder) -> dict[str, Any]:
        self._check(asked)
        request = asked.model_dump(mode="json", exclude_none=True)
        order = self.store.add(request, label_at=time.time() + self.label_delay_s)
        if order is None:
            raise Refused(DUPLICATE, "orderNumber: 订单号重复")
        return _named(order)

    def _known(self, waybill: str) -> Order:
        order = self.store.find(waybill)
        if order is None or order.waybill_number != waybill:
            raise Refused(NOT_FOUND, "waybillNumber: 运单不存在")
        return order

    def _list(self, asked: ListOrders) -> list[dict[str, Any]]:
        found = [self.store.find(one) for one in asked.listNumber]
        return [_told(one) for one in found if one is not None]

    def _label(self, asked: AskLabel) -> dict[str, Any]:
        """What keeps a label away stands inside; the envelope says that all went well."""
        order = self._known(asked.waybillNumber)
        ready = time.time() >= order.label_at and order.status != CANCELLED
        return {
            "waybillNumber": order.waybill_number,
            "isSuccess": ready,
            "errorMsg": None if ready else "面单生成中",
            "base64String": base64.b64encode(_label_file(order)).decode() if ready else None,
        }

    def _cancel(self, asked: CancelOrder) -> bool:
        """The wish is taken; that it is done shows in the order's status, later."""
        order = self._known(asked.waybillNumber)
        if order.status >= RECEIVED:
            raise Refused(TOO_LATE, "waybillNumber: 当前状态不允许取消")
        self.store.cancel(order.waybill_number, time.time() + self.cancel_delay_s)
        return True

    def _check(self, asked: CreateOrder) -> None:
        """Raises Refused with what is wrong first. Stricter than anything written, so that mistakes show."""
        receiver, parcel = asked.receiverInfo, asked.parcelInfo
        if asked.userId != self.user_id:
            raise Refused(INVALID, "userId: 制单账号不一致")
        if asked.channelId not in CHANNELS:
            raise Refused(NO_SUCH_CHANNEL, "channelId: 产品未开通")
        if parcel.hasBattery > CHANNELS[asked.channelId][1]:
            raise Refused(INVALID, "parcelInfo.hasBattery: 产品不支持带电")
        if receiver.country in POSTAL_CODE_NEEDED and not (receiver.zipCode or "").strip():
            raise Refused(INVALID, "receiverInfo.zipCode: 邮编不能为空")
        if REFUSE_ADDRESS in receiver.address.upper():
            raise Refused(INVALID, f"receiverInfo.address: 地址不可达 {receiver.address}")
        if parcel.totalWeight > HEAVIEST_G:
            raise Refused(INVALID, "parcelInfo.totalWeight: 超重")
        volume_cm3 = (parcel.length or 0) * (parcel.width or 0) * (parcel.height or 0)
        if volume_cm3 and not is_plausible(parcel.totalWeight, volume_cm3):
            raise Refused(INVALID, "parcelInfo.totalWeight: is it in grams, the size in centimetres?")
        if sum(one.weight * int(one.quantity) for one in parcel.productList) > parcel.totalWeight:
            raise Refused(INVALID, "parcelInfo.productList: the goods weigh more than the parcel")
        if Decimal(parcel.totalPrice) != parcel.worth:
            raise Refused(INVALID, "parcelInfo.totalPrice: 申报总价不等于明细之和")
        if parcel.totalQuantity != sum(int(one.quantity) for one in parcel.productList):
            raise Refused(INVALID, "parcelInfo.totalQuantity: 申报总数不等于明细之和")


def _read(body: bytes, model: type[T]) -> T:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from error


def _named(order: Order) -> dict[str, Any]:
    return {
        "waybillNumber": order.waybill_number,
        "orderNumber": order.order_number,
        "referenceNumber": order.reference_number,
        "yanwenOrderNumber": f"26061{order.number:08d}",
    }


def _told(order: Order) -> dict[str, Any]:
    kept = ("channelId", "userId", "orderSource", "receiverInfo", "senderInfo", "parcelInfo")
    asked = {name: order.request[name] for name in kept if name in order.request}
    return {**_named(order), "status": order.status, "isPrint": 0, **asked}


def _label_file(order: Order) -> bytes:
    receiver = order.request["receiverInfo"]
    return Label(
        carrier="YANWEN",
        service=order.request["channelId"],
        tracking_code=order.waybill_number,
        from_lines=_lines(order.request.get("senderInfo", receiver)),
        to_lines=_lines(receiver),
        weight=f"{order.request['parcelInfo']['totalWeight']} g",
    ).draw("pdf")


def _lines(party: dict[str, Any]) -> list[str]:
    place = " ".join(party[one] for one in ("zipCode", "city", "state") if party.get(one))
    return [party["name"], party["address"], place, party["country"]]
