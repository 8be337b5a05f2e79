"""Every invariant goes red: a real finished run, broken in one way, and that one invariant says so."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from ..history import CommandSent, Injected, OrderRead
from . import judge
from .conftest import Copy
from .judging import INVARIANTS

pytestmark = pytest.mark.timeout(600)  # the first test starts the whole system

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NEW = "0a000000-0000-7000-8000-000000000001"

#: An order of which nothing is known but its row.
ANOTHER_ORDER = """
    create temp table another as select * from orders where status = 'closed' limit 1;
    update another set order_id = '{new}', external_id = 'another', progress = '{{}}', status = '{status}',
        version = 1, process = process || '{{"legs": {{}}, "parcels": {{}}}}';
    insert into orders select * from another;
"""


@dataclass(frozen=True)
class Break:
    invariant: str
    service: str
    script: str
    says: str


BREAKS = {
    "an acknowledged webhook is lost": Break(
        "INV-1",
        "order",
        "delete from inbound_message where state = 'failed'",
        "was acknowledged and is nowhere",
    ),
    "an order waits and nobody can see why": Break(
        "INV-1", "order", ANOTHER_ORDER.format(new=NEW, status="open"), "nobody can see why"
    ),
    "more is gone than was there": Break(
        "INV-3",
        "inventory",
        """
        alter table stock_level drop constraint stock_level_on_hand_check;
        insert into stock_movement (movement_id, merchant_id, sku, warehouse, lot, condition, kind, units,
                                    actor_kind, actor_name)
        select gen_random_uuid(), merchant_id, sku, warehouse, lot, condition, 'adjustment', -on_hand - 3,
               'person', 'test'
        from stock_level order by sku, warehouse limit 1;
        update stock_level set on_hand = -3, short = 3 where (sku, warehouse) =
            (select sku, warehouse from stock_level order by sku, warehouse limit 1);
        """,
        "-3 on hand",
    ),
    "a receipt is booked twice": Break(
        "INV-4",
        "inventory",
        """
        insert into stock_movement select gen_random_uuid(), merchant_id, sku, warehouse, lot, condition,
            kind, units, reference || '-again', allocation_id, actor_kind, actor_name, reason,
            cause_event_id, at
        from stock_movement where kind = 'receipt' limit 1
        """,
        "the ledger says",
    ),
    "an allocation ends twice": Break(
        "INV-5",
        "inventory",
        """
        insert into allocation_history (allocation_id, state, consumed, actor_kind, actor_name)
        select allocation_id, 'consumed', consumed, 'service', 'test' from allocation
        where state = 'consumed' limit 1
        """,
        "ended 2 times",
    ),
    "more leaves than was ordered": Break(
        "INV-6",
        "order",
        """
        update orders set lines = jsonb_set(lines, '{0,units_ordered}', '0')
        where order_id = (select order_id from orders o where status = 'closed' and not exists (
            select from order_exception e where e.order_id = o.order_id) limit 1)
        """,
        "0 are ordered",
    ),
    "two paid labels are on one parcel": Break(
        "INV-6",
        "shipping",
        """
        drop index label_live;
        update label set parcel_id = (select min(parcel_id::text)::uuid from label where state = 'bought')
        where label_id = (select label_id from label where state = 'bought' order by parcel_id desc limit 1)
        """,
        "has 2 live labels",
    ),
    "a message is forgotten": Break(
        "INV-7",
        "notify",
        """
        delete from delivery_log where message_id = (select min(message_id::text)::uuid from message
            where template = 'order_confirmed');
        delete from message where message_id = (select min(message_id::text)::uuid from message
            where template = 'order_confirmed');
        """,
        "nobody planned it",
    ),
    "shipping and inventory disagree": Break(
        "INV-7",
        "shipping",
        "update item set state = 'cancelled' where allocation_id = (select allocation_id from item"
        " where state = 'packed' limit 1)",
        "inventory consumed, shipping closed/cancelled",
    ),
    "an order leaves its end": Break(
        "INV-8",
        "order",
        """
        insert into order_history (order_id, merchant_id, at, what, actor_kind, actor_name, version)
        select order_id, merchant_id, now(), 'order.held', 'service', 'test', version
        from orders where status = 'closed' limit 1
        """,
        "went from closed to held",
    ),
    "a shipment skips its label": Break(
        "INV-8",
        "shipping",
        """
        delete from shipment_history where what in ('buying', 'labelled')
        and shipment_id = (select shipment_id from shipment where state = 'closed' limit 1)
        """,
        "went from planned to handed_over",
    ),
    "a message is sent without a beginning": Break(
        "INV-8",
        "notify",
        "delete from delivery_log where n = (select n from delivery_log where what = 'attempt_started'"
        " limit 1)",
        "went from waiting to sent",
    ),
    "an order's versions fall": Break(
        "INV-8",
        "order",
        """
        update order_history set version = 9 where n = (select h.n from order_history h
            join orders o using (order_id) where h.what = 'order.imported' and o.status = 'closed' limit 1)
        """,
        "went through versions 9",
    ),
    "an event is never sent": Break(
        "INV-9",
        "notify",
        f"""
        insert into event_log select at, seq + 1000000, shard, '{NEW}', topic, key, headers, payload
        from event_log where topic = 'notification.sent' limit 1;
        update event_log set headers[4] = '{NEW}' where event_id = '{NEW}';
        """,
        "is not on notification.sent",
    ),
    "a record has no event": Break(
        "INV-10",
        "notify",
        "delete from event_log where event_id = (select event_id from event_log"
        " where topic = 'notification.sent' limit 1)",
        "was never committed by anybody",
    ),
    "an event is not handled": Break(
        "INV-12",
        "shipping",
        "delete from inbox where event_id = (select event_id from inbox limit 1)",
        "shipping never handled",
    ),
    "an event of nobody is handled": Break(
        "INV-12",
        "shipping",
        f"insert into inbox (event_id, consumer) values ('{NEW}', 'shipping')",
        "which nobody committed",
    ),
    "the ledger moves for another parcel": Break(
        "INV-12",
        "inventory",
        f"""
        update stock_movement set reference = '{NEW}'
        where movement_id = (select movement_id from stock_movement where kind = 'shipped' limit 1)
        """,
        "and the ledger has []",
    ),
    "a fence is ahead of its log": Break(
        "INV-13",
        "notify",
        "update consumer_fence set next_offset = next_offset + 100 where partition = 0"
        " and topic = 'order.created'",
        "the log ends at",
    ),
    "a key of ours is parked": Break(
        "INV-15",
        "order",
        f"""
        insert into parked_audit (audit_id, consumer, key, action, events, error_type, fingerprint,
                                  actor_kind, actor_name)
        values ('{NEW}', 'order', '{NEW}', 'replayed', 1, 'KeyError', 'f', 'person', 'test')
        """,
        "which nobody poisoned: KeyError",
    ),
    "a cancel is never answered": Break(
        "INV-16",
        "order",
        ANOTHER_ORDER.format(new=NEW, status="cancelled")
        + f"""
        insert into order_history (order_id, merchant_id, at, what, actor_kind, actor_name, version)
        select '{NEW}', 'default', now(), what, 'service', 'test', 1
        from unnest(array['order.cancelling', 'order.cancelled']) as what;
        """,
        "shipping never said the last word",
    ),
    "an order comes to another sum": Break(
        "INV-18",
        "order",
        """
        update orders set content = jsonb_set(content, '{totals,grand_total}',
            to_jsonb((content->'totals'->>'grand_total')::int + 1))
        where order_id = (select order_id from orders where status = 'closed' limit 1)
        """,
        "its shop says otherwise",
    ),
    "a line comes to another sum": Break(
        "INV-18",
        "order",
        """
        update orders set lines = jsonb_set(lines, '{0,total_minor}',
            to_jsonb((lines->0->>'total_minor')::int + 1))
        where order_id = (select order_id from orders where status = 'closed' limit 1)
        """,
        "sold for",
    ),
    "a label costs something else": Break(
        "INV-18",
        "shipping",
        "update label set cost_minor = cost_minor + 1 where label_id = (select label_id from label"
        " where state = 'bought' limit 1)",
        "we noted",
    ),
    "an order was begun by nobody": Break(
        "INV-25",
        "order",
        "update inbound_message set order_id = null where order_id = (select order_id from orders"
        " where status = 'closed' limit 1)",
        "a marketplace that never told of the order",
    ),
    "a trace is lost on the way": Break(
        "INV-25",
        "notify",
        """
        update event_log set headers[array_position(headers, 'traceparent') + 1] = 'another'
        where event_id = (select event_id from event_log where 'traceparent' = any(headers) limit 1)
        """,
        "has another trace",
    ),
}

#: `service` is the sandbox and its table here.
BREAKS_OUTSIDE = {
    "the carrier sells a label twice": Break(
        "INV-6",
        "easypost/shipments",
        """
        insert into shipments (id, reference, created_at, bought_at, carrier, service, rate, currency,
                               request_json, object_json)
        select 'shp_again', reference, created_at, bought_at, carrier, service, rate, currency,
               request_json, object_json
        from shipments where bought_at is not null and refund_status is null limit 1
        """,
        "has 2 live labels",
    ),
    "the carrier never voided the label of a cancelled order": Break(
        "INV-16",
        "easypost/shipments",
        """
        update shipments set refund_status = null
        where refund_status is not null and reference like '%/1' and not exists (
            select 1 from shipments o where o.reference = replace(shipments.reference, '/1', '/2'))
        """,
        "has a live label at the carrier",
    ),
    "the carrier does not know a label": Break(
        "INV-7",
        "easypost/shipments",
        "update shipments set bought_at = null where number = (select min(number) from shipments"
        " where bought_at is not null and refund_status is null)",
        "the carrier has none that is live",
    ),
    "a parcel is written back twice": Break(
        "INV-12",
        "shopify/fulfillments",
        """
        insert into fulfillments select id + 500000, shop, order_id, name, created_at, updated_at,
            notify_customer, company, numbers_json, urls_json, lines_json from fulfillments limit 1
        """,
        "was written back to the marketplace 2 times",
    ),
    "a parcel is not written back": Break(
        "INV-7",
        "shopify/fulfillments",
        "delete from fulfillments where id = (select min(id) from fulfillments)",
        "the marketplace has nothing",
    ),
    "a mail is said twice": Break(
        "INV-12",
        "mailbox/messages",
        """
        insert into messages (at, mail_from, recipients_json, message_id, to_header, subject, headers_json,
                              size, raw)
        select at, mail_from, recipients_json, message_id, to_header, subject, headers_json, size, raw
        from messages limit 1
        """,
        "was taken 2 times",
    ),
    "a mail is lost": Break(
        "INV-7",
        "mailbox/messages",
        "delete from messages where id = (select min(id) from messages)",
        "is not in the mailbox",
    ),
}

UNREST = (
    "insert into job (job_id, merchant_id, kind, reference, destination, payload, run_at)"
    f" values ('{NEW}', 'default', 'k', 'r', 'd', '{{}}', now())",
    "insert into timer (timer_id, merchant_id, name, key, due_at, payload)"
    f" values ('{NEW}', 'default', 'n', 'k', now() - interval '1 minute', '{{}}')",
    "update log_epoch set rebuild_wanted = 'a test'",
    "update consumer_fence set next_offset = next_offset - 1 where next_offset > 0",
)


async def test_a_finished_run_has_no_finding_and_everything_was_looked_at(copy: Copy) -> None:
    judgement = await judge(copy.system, copy.history)

    assert judgement.findings == []
    assert all(balance.holds for balance in judgement.balances)
    unseen = {name for name in INVARIANTS if not judgement.looked_at[name]}
    assert unseen == {"INV-2", "INV-15", "INV-20"}  # no commands, no poison, no reads in this history
    assert judgement.not_applicable.keys() == {"INV-17"}


@pytest.mark.parametrize("name", BREAKS)
async def test_one_break_turns_one_invariant_red(copy: Copy, name: str) -> None:
    broken = BREAKS[name]
    copy.write(broken.service, broken.script)

    judgement = await judge(copy.system, copy.history)

    assert set(judgement.by_invariant()) == {broken.invariant}, judgement.findings
    assert any(broken.says in one.text for one in judgement.findings), judgement.findings


@pytest.mark.parametrize("name", BREAKS_OUTSIDE)
async def test_one_break_in_the_books_of_others_turns_one_invariant_red(copy: Copy, name: str) -> None:
    broken = BREAKS_OUTSIDE[name]
    sandbox, _, table = broken.service.partition("/")
    copy.write_book(sandbox, table, broken.script)

    judgement = await judge(copy.system, copy.history)

    assert broken.invariant in judgement.by_invariant(), judgement.findings
    # Where two books are summed up, a repetition shows there as well.
    assert set(judgement.by_invariant()) <= {broken.invariant, "INV-7"}, judgement.findings
    assert any(broken.says in one.text for one in judgement.findings), judgement.findings


@pytest.mark.parametrize("script", UNREST)
async def test_what_still_moves_is_a_finding(copy: Copy, script: str) -> None:
    copy.write("order", script)

    judgement = await judge(copy.system, copy.history)

    assert "INV-14" in judgement.by_invariant()
    assert set(judgement.by_invariant()) <= {"INV-13", "INV-14"}, judgement.findings


async def test_an_event_that_differs_from_its_record_is_missing_and_the_record_a_ghost(copy: Copy) -> None:
    copy.write(
        "notify",
        "update event_log set payload = payload || ' '"
        " where event_id = (select event_id from event_log limit 1)",
    )

    judgement = await judge(copy.system, copy.history)

    assert judgement.by_invariant().keys() == {"INV-9", "INV-10"}
    assert any("differs from the committed row" in one.text for one in judgement.findings)


async def test_a_record_that_nobody_committed_is_a_ghost_unless_the_proof_put_it_there(copy: Copy) -> None:
    headers = {"ce_id": NEW, "ce_logepoch": "1"}
    await copy.produce("notification.failed", NEW, headers, b"{}")

    seen = await judge(copy.system, copy.history)
    told = await judge(copy.system, Copy(copy._finished).history)

    assert seen.by_invariant().keys() == {"INV-10"}
    assert "INV-10" not in told.by_invariant()


async def test_a_hole_in_the_versions_of_a_key_is_a_finding(copy: Copy) -> None:
    said = '{"actor":{"kind":"timer"}}'
    headers = {"ce_id": NEW, "ce_merchantid": "default", "ce_aggregateversion": "2", "ce_correlationid": NEW}
    await copy.produce("notification.sent", "HOLE", {**headers, "ce_logepoch": "1"}, said.encode())
    flat = ", ".join(f"'{part}'" for pair in headers.items() for part in pair)
    copy.write(
        "notify",
        "insert into event_log (at, seq, shard, event_id, topic, key, headers, payload) values"
        f" (now(), 1000000, 0, '{NEW}', 'notification.sent', 'HOLE', array[{flat}], '{said}')",
    )

    judgement = await judge(copy.system, copy.history)

    assert judgement.by_invariant().keys() == {"INV-11"}, judgement.findings
    assert "never [1]" in judgement.findings[0].text


async def test_poison_may_rest_alone_and_in_order(copy: Copy) -> None:
    copy.history.injected += [
        Injected(topic="order.created", partition=0, offset=at, key="poison", event_id=None, poison=True)
        for at in (1000, 1001)
    ]
    park = """
        insert into parked_key (consumer, key, error_type, error_text, fingerprint)
        values ('notify', 'poison', 'UnreadableRecord', '', 'f');
        insert into parked_event (consumer, key, topic, partition, "offset", headers)
        select 'notify', 'poison', 'order.created', 0, at, '{}' from unnest(array[%s]) as at;
    """
    copy.write("notify", park % "1000, 1001")
    resting = await judge(copy.system, copy.history)
    copy.write("notify", "delete from parked_event; delete from parked_key;" + park % "1001, 1000")
    turned = await judge(copy.system, copy.history)
    copy.write("notify", "delete from parked_event; delete from parked_key;" + park % "1000, 1002")
    not_alone = await judge(copy.system, copy.history)

    assert resting.findings == []
    assert [one.invariant for one in turned.findings] == ["INV-15"]
    assert "behind offset 1001" in turned.findings[0].text
    assert "an event that is no poison" in not_alone.findings[0].text


async def test_what_was_raised_on_purpose_may_have_been_parked_and_replayed(copy: Copy) -> None:
    copy.write(
        "order",
        f"""
        insert into parked_audit (audit_id, consumer, key, action, events, error_type, fingerprint,
                                  actor_kind, actor_name)
        values ('{NEW}', 'order', '{NEW}', 'replayed', 1, 'InjectedFault', 'f', 'person', 'test')
        """,
    )

    judgement = await judge(copy.system, copy.history)

    assert judgement.findings == []
    assert judgement.looked_at["INV-15"] == 1


async def test_two_answers_to_one_key_and_one_key_for_two_bodies_are_findings(copy: Copy) -> None:
    first = CommandSent(
        service="order",
        path="/v1/orders/1/hold",
        idempotency_key="a",
        body_digest="d",
        status=200,
        answer={"version": 1},
        at=NOW,
    )
    copy.history.commands += [
        first,
        replace(first, status=None, answer=None),  # no answer came: it may be either
        replace(first, answer={"version": 2}),
        replace(first, idempotency_key="b"),
        replace(first, idempotency_key="b", body_digest="e"),
    ]

    judgement = await judge(copy.system, copy.history)

    assert judgement.by_invariant() == {"INV-2": 2}


async def test_a_client_that_reads_an_older_version_than_before_is_a_finding(copy: Copy) -> None:
    order_id = str(UUID(int=1))
    copy.history.reads += [
        OrderRead(client=client, order_id=order_id, version=version, at=NOW)
        for client, version in (("a", 3), ("b", 2), ("b", 3), ("a", 2))
    ]

    judgement = await judge(copy.system, copy.history)

    assert judgement.by_invariant() == {"INV-20": 1}
    assert "client a read version 2" in judgement.findings[0].text
