"""The steps around a purchase, one at a time."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from crossdock_contracts.orders import FulfilmentState
from crossdock_contracts.shipping import ShipmentRejectedV1
from shipping_service.domain.consignment import BoughtLabel, Document, DocumentKind
from shipping_service.domain.label import Label, LabelState
from shipping_service.domain.leg_table import LegState
from shipping_service.use_cases.buy_labels import (
    LabelRef,
    NotFinal,
    Payment,
    Purchase,
    Sale,
    Wish,
    found_not_bought,
    lose_outcome,
    take_steps,
)
from shipping_service.use_cases.take_snapshots import take_snapshots
from shipping_service.use_cases.take_stock import take_reservations

from ..fakes import FakeTransaction
from ..samples import HAMBURG, MERCHANT, NEW_YORK, AnOrder

LABEL = BoughtLabel(
    carrier_ref="shp_1",
    carrier="Post",
    service="Economy",
    tracking_number="T1",
    tracking_url=None,
    cost_minor=None,
    cost_currency=None,
    cost_exponent=None,
    documents=(Document(DocumentKind.LABEL, "application/pdf", b"%PDF-"),),
)


@dataclass
class Asked:
    """An order whose label was just asked for."""

    order: AnOrder
    tx: FakeTransaction

    @property
    def label(self) -> Label:
        return self.tx.dispatches.known[self.order.order_id].legs[0].labels[-1]

    @property
    def state(self) -> LegState:
        return self.tx.dispatches.known[self.order.order_id].legs[0].state

    @property
    def ref(self) -> LabelRef:
        leg = self.tx.dispatches.known[self.order.order_id].legs[0]
        return LabelRef(MERCHANT, leg.shipment_id, leg.labels[0].label_id)


@pytest.fixture
async def asked() -> Asked:
    return await ask(AnOrder())


async def ask(order: AnOrder) -> Asked:
    tx = FakeTransaction()
    await take_snapshots([order.created()], tx=tx)
    await take_reservations([order.reserved()], tx=tx)
    return Asked(order, tx)


async def begin(asked: Asked, *, may_be_paid: bool) -> Purchase | None:
    (purchase,) = await take_steps([Wish(asked.ref, may_be_paid)], tx=asked.tx)
    return purchase


async def pay(asked: Asked, purchase: Purchase | None) -> Purchase | None:
    assert purchase is not None
    payment = Payment(asked.ref, replace(purchase, carrier_ref="shp_1"))
    (following,) = await take_steps([payment], tx=asked.tx)
    return following


async def begin_and_pay(asked: Asked) -> None:
    assert await pay(asked, await begin(asked, may_be_paid=False)) is not None


async def test_the_wish_is_a_row_before_anybody_is_asked(asked: Asked) -> None:
    assert asked.label.state is LabelState.ASKED
    assert list(asked.tx.jobs.asked) == [("buy_label", f"{asked.ref.shipment_id}/1")]


async def test_a_request_names_our_reference_and_the_address_and_declares_nothing_at_home(
    asked: Asked,
) -> None:
    purchase = await begin(asked, may_be_paid=False)

    assert purchase is not None
    assert purchase.request.reference == f"{asked.ref.shipment_id}/1"
    assert (purchase.request.ship_to.city, purchase.request.customs) == ("Berlin", ())
    assert (purchase.request.incoterm, purchase.ask_first) == (None, False)


async def test_a_request_over_a_border_declares_what_the_lines_are_worth() -> None:
    asked = await ask(AnOrder(units=2, consignee=NEW_YORK))

    purchase = await begin(asked, may_be_paid=False)

    assert purchase is not None
    assert purchase.request.incoterm == "DAP"
    assert [(one.units, str(one.unit_value), one.currency) for one in purchase.request.customs] == [
        (2, "12.5000", "EUR")
    ]


async def test_a_crash_before_money_is_spent_asks_nobody(asked: Asked) -> None:
    purchase = await begin(asked, may_be_paid=True)

    assert purchase is not None
    assert not purchase.ask_first


async def test_a_crash_after_it_may_be_spent_asks_first_and_shows_it(asked: Asked) -> None:
    await begin_and_pay(asked)

    purchase = await begin(asked, may_be_paid=True)

    assert purchase is not None
    assert (purchase.ask_first, purchase.carrier_ref) == (True, "shp_1")
    assert (asked.label.state, asked.state) == (LabelState.UNKNOWN, LegState.OUTCOME_UNKNOWN)
    assert asked.tx.exceptions.codes == ["label_outcome_unknown"]


async def test_a_job_that_a_person_repeats_still_asks_first(asked: Asked) -> None:
    await begin_and_pay(asked)
    await lose_outcome(asked.ref, tx=asked.tx)

    purchase = await begin(asked, may_be_paid=False)

    assert purchase is not None
    assert purchase.ask_first


async def test_not_bought_is_not_believed_while_the_lost_call_may_be_under_way(asked: Asked) -> None:
    await begin_and_pay(asked)
    await lose_outcome(asked.ref, tx=asked.tx)

    asked.tx.now += timedelta(seconds=59)
    with pytest.raises(NotFinal):
        await found_not_bought(asked.ref, tx=asked.tx)
    asked.tx.now += timedelta(seconds=1)
    wanted = await found_not_bought(asked.ref, tx=asked.tx)

    assert wanted


async def test_no_money_is_spent_on_a_label_for_an_address_that_has_changed(asked: Asked) -> None:
    purchase = await begin(asked, may_be_paid=False)
    await take_snapshots([asked.order.moved_to(HAMBURG)], tx=asked.tx)

    following = await pay(asked, purchase)

    assert following is None
    assert list(asked.tx.jobs.asked)[-1] == ("buy_label", f"{asked.ref.shipment_id}/2")


async def test_no_money_is_spent_while_the_order_is_held(asked: Asked) -> None:
    await take_snapshots([asked.order.changed(FulfilmentState.HELD)], tx=asked.tx)

    purchase = await begin(asked, may_be_paid=False)

    assert purchase is None
    assert (asked.state, asked.label.state) == (LegState.PLANNED, LabelState.DROPPED)


async def test_a_consignee_that_was_erased_cannot_be_sent_to(asked: Asked) -> None:
    asked.tx.people.known.clear()

    purchase = await begin(asked, may_be_paid=False)

    assert purchase is None
    (rejected,) = asked.tx.outbox.events
    assert isinstance(rejected, ShipmentRejectedV1)
    assert (rejected.code, asked.state) == ("missing_address", LegState.NEEDS_REPAIR)


async def test_a_label_is_kept_once(asked: Asked) -> None:
    await begin_and_pay(asked)

    for _ in range(2):
        await take_steps([Sale(asked.ref, LABEL)], tx=asked.tx)

    assert len(asked.tx.documents.stored) == 1
    assert [one.TOPIC for one in asked.tx.outbox.events] == ["parcel.labelled", "parcel.shipped"]


async def test_a_sale_without_a_label_document_is_no_label(asked: Asked) -> None:
    with pytest.raises(LookupError):
        await take_steps([Sale(asked.ref, replace(LABEL, documents=()))], tx=asked.tx)
