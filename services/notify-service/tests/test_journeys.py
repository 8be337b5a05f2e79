"""From events to mails, on the real database and the real mail server."""

from uuid import uuid4

from crossdock_contracts.shipping import ParcelStatus

from .samples import CABLE, STAND, a_snapshot, delivered, in_trouble, shipped
from .stage import Stage


async def test_an_open_order_is_confirmed_by_one_mail_in_the_buyers_language(stage: Stage) -> None:
    order_id = uuid4()

    await stage.hear(a_snapshot(order_id))
    outcomes = await stage.work()

    (mail,) = await stage.mailbox.mails()
    assert outcomes == ["settled"]
    assert mail["recipients"] == ["joerg@example.com"]
    assert mail["subject"] == "Ihre Bestellung #1042 ist bestätigt"
    assert "2 × Foldable Phone Stand" in mail["text"]
    assert "1 × Desk Set" in mail["text"]
    assert await stage.states() == [("order_confirmed", "sent", None)]
    assert await stage.logged() == ["planned", "attempt_started", "accepted"]
    (event,) = await stage.said()
    assert (event.TOPIC, event.order_id, event.aggregate_version) == ("notification.sent", order_id, 1)
    assert (event.template, event.locale, event.revision) == ("order_confirmed", "de", 1)


async def test_two_parcels_are_two_mails_and_the_first_says_that_more_follows(stage: Stage) -> None:
    order_id, first, second = uuid4(), uuid4(), uuid4()
    await stage.hear(a_snapshot(order_id))
    await stage.work()

    await stage.hear(shipped(order_id, first, {STAND: 2}))
    await stage.hear(shipped(order_id, second, {CABLE: 2}, minutes=5))
    await stage.work()

    _, one, two = await stage.mailbox.mails()
    assert one["subject"] == "Ein Teil Ihrer Bestellung #1042 ist unterwegs"
    assert "2 × Foldable Phone Stand" in one["text"]
    assert "Desk Set" not in one["text"]
    assert two["subject"] == "Ihre Bestellung #1042 ist unterwegs"
    assert "1 × Desk Set" in two["text"]


async def test_events_that_come_again_make_no_second_mail(stage: Stage) -> None:
    order_id, parcel_id = uuid4(), uuid4()

    for _ in range(2):
        await stage.hear(a_snapshot(order_id), shipped(order_id, parcel_id))
        await stage.work()

    assert len(await stage.mailbox.mails()) == 2
    assert [state for _, state, _ in await stage.states()] == ["sent", "sent"]


async def test_a_parcel_before_its_order_is_told_when_the_order_comes(stage: Stage) -> None:
    order_id = uuid4()

    await stage.hear(shipped(order_id, uuid4(), {STAND: 2}))
    before = await stage.states()
    await stage.hear(a_snapshot(order_id))
    await stage.work()

    subjects = {mail["subject"] for mail in await stage.mailbox.mails()}
    assert before == []
    assert subjects == {
        "Ihre Bestellung #1042 ist bestätigt",
        "Ein Teil Ihrer Bestellung #1042 ist unterwegs",
    }
    assert await stage.rows("select 1 from deferred_telling") == []


async def test_a_held_order_is_confirmed_when_it_opens_and_only_then(stage: Stage) -> None:
    order_id = uuid4()

    await stage.hear(a_snapshot(order_id, 1, state="held", holds=("risk",)))
    before = await stage.states()
    await stage.hear(a_snapshot(order_id, 2))
    await stage.hear(a_snapshot(order_id, 3))

    assert before == []
    assert await stage.states() == [("order_confirmed", "waiting", None)]


async def test_an_older_snapshot_that_comes_late_changes_nothing(stage: Stage) -> None:
    order_id = uuid4()

    await stage.hear(a_snapshot(order_id, 2, buyer={"email": "new@example.com"}))
    await stage.hear(a_snapshot(order_id, 1, buyer={"email": "old@example.com"}))
    await stage.work()

    (mail,) = await stage.mailbox.mails()
    assert mail["recipients"] == ["new@example.com"]


async def test_a_cancelled_order_is_told_with_what_was_ordered_and_not_at_the_wish(stage: Stage) -> None:
    order_id = uuid4()
    await stage.hear(a_snapshot(order_id))
    await stage.work()

    await stage.hear(a_snapshot(order_id, 2, state="cancelling"))
    at_the_wish = await stage.work()
    await stage.hear(a_snapshot(order_id, 3, state="cancelled"))
    await stage.work()

    _, mail = await stage.mailbox.mails()
    assert at_the_wish == []
    assert mail["subject"] == "Ihre Bestellung #1042 ist storniert"
    assert "2 × Foldable Phone Stand" in mail["text"]


async def test_the_end_of_an_order_that_never_began_is_not_told(stage: Stage) -> None:
    test_order, unpaid = uuid4(), uuid4()

    for order_id, hold in ((test_order, "test_order"), (unpaid, "unpaid")):
        await stage.hear(a_snapshot(order_id, 1, state="held", holds=(hold,)))
        await stage.hear(a_snapshot(order_id, 2, state="cancelled"))

    assert await stage.states() == []


async def test_the_end_of_a_paid_order_that_was_held_is_told(stage: Stage) -> None:
    order_id = uuid4()

    await stage.hear(a_snapshot(order_id, 1, state="held", holds=("out_of_stock",)))
    await stage.hear(a_snapshot(order_id, 2, state="cancelled"))

    assert await stage.states() == [("cancelled", "waiting", None)]


async def test_a_confirmation_that_waited_is_not_sent_after_the_cancellation(stage: Stage) -> None:
    order_id = uuid4()

    await stage.hear(a_snapshot(order_id, 1))
    await stage.hear(a_snapshot(order_id, 2, state="cancelled"))
    await stage.work()

    assert await stage.states() == [
        ("order_confirmed", "suppressed", "order_cancelled"),
        ("cancelled", "sent", None),
    ]


async def test_a_delay_is_told_once_per_parcel_and_other_troubles_are_not(stage: Stage) -> None:
    order_id, parcel_id = uuid4(), uuid4()
    await stage.hear(a_snapshot(order_id), shipped(order_id, parcel_id))
    await stage.work()

    await stage.hear(in_trouble(order_id, parcel_id, ParcelStatus.LOST))
    await stage.hear(in_trouble(order_id, parcel_id, ParcelStatus.CUSTOMS_HOLD))
    await stage.hear(in_trouble(order_id, parcel_id, ParcelStatus.DELAYED))
    await stage.work()

    *_, mail = await stage.mailbox.mails()
    assert len(await stage.mailbox.mails()) == 3
    assert "Zoll" in mail["text"]


async def test_what_waits_about_a_delivered_parcel_is_not_said(stage: Stage) -> None:
    order_id, parcel_id = uuid4(), uuid4()

    await stage.hear(a_snapshot(order_id, state="closed"), shipped(order_id, parcel_id))
    await stage.hear(delivered(order_id, parcel_id))
    await stage.work()

    assert await stage.states() == [("shipped", "suppressed", "parcel_delivered")]
    assert await stage.mailbox.mails() == []


async def test_nobody_is_written_to_who_must_not_or_cannot_be(stage: Stage) -> None:
    cases: list[tuple[dict[str, object], str]] = [
        ({"may_write": False}, "may_not_write"),
        ({"email": None}, "no_address"),
        ({"email": "not an address"}, "bad_address"),
        ({"email": "a@b.example\r\nBcc: everybody@example.com"}, "bad_address"),
    ]

    for buyer, _ in cases:
        await stage.hear(a_snapshot(uuid4(), buyer=dict(buyer)))
    await stage.hear(a_snapshot(uuid4(), no_buyer=True))
    await stage.work()

    assert await stage.states() == [
        *(("order_confirmed", "suppressed", code) for _, code in cases),
        ("order_confirmed", "suppressed", "may_not_write"),
    ]
    assert await stage.mailbox.mails() == []
    assert await stage.said() == []
