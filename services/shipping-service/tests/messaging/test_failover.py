"""Carriers that refuse or are away, on the real job runner: where the label goes, and what is told of it."""

from datetime import timedelta

import httpx
import pytest

from crossdock_chassis.ids import new_id
from shipping_service.domain.refusal import Remedy
from shipping_service.domain.rules import Conditions, Rule
from shipping_service.messaging.carrier_jobs import Connected
from shipping_service.messaging.outages import Outages, leave
from shipping_service.persistence.erasing import erase_expired
from shipping_service.persistence.transaction import open_database
from shipping_service.use_cases.ports import CarrierRejected, CarrierUnavailable, DomainSettings

from ..samples import MERCHANT, AnOrder
from ..scripted_carrier import Lost, ScriptedCarrier
from ..stage import CAPABILITIES, Stage, names

DONE = ["parcel.labelled", "parcel.shipped"]
WORDS = "Musterstraße 1 is not on our map"
ANOTHER = CarrierRejected("8003", "service", remedy=Remedy.CHOOSE_ANOTHER_SERVICE, words=WORDS)


@pytest.fixture
async def spare(stage: Stage) -> ScriptedCarrier:
    """A second carrier that the rules allow when the first does not do, at once."""
    settings = DomainSettings(
        {"scripted": CAPABILITIES, "spare": CAPABILITIES}, timedelta(days=90), failover_after=timedelta(0)
    )
    stage.database = open_database(stage.database.engine, settings)
    carrier = ScriptedCarrier()
    stage.others["spare"] = Connected(CAPABILITIES, carrier)
    async with stage.database.transaction() as tx:
        await tx.rules.put(Rule(new_id(), MERCHANT, 200, "the other", Conditions(), "spare", "Any"))
    return carrier


@pytest.mark.parametrize("step", ["prepare", "buy"])
@pytest.mark.parametrize("error", [ANOTHER, CarrierUnavailable("not reached")])
async def test_the_next_carrier_sells_the_label_once(
    stage: Stage, spare: ScriptedCarrier, step: str, error: Exception
) -> None:
    order = AnOrder()
    stage.carrier.on(step, *[error] * 3)

    said = await stage.labelled(order)

    assert names(said) == DONE
    assert (len(stage.carrier.bought), len(spare.bought)) == (0, 1)
    assert await stage.exceptions(order) == []
    assert [tuple(one) for one in await stage.rows("select carrier from label order by number")] == [
        ("scripted",),
        ("spare",),
    ]


async def test_a_lost_answer_is_followed_up_and_never_passed_on(stage: Stage, spare: ScriptedCarrier) -> None:
    order = AnOrder()
    stage.carrier.on("buy", Lost(done=False), CarrierUnavailable("not reached"), ANOTHER)

    await stage.labelled(order)

    assert spare.calls == []
    assert await stage.states(order) == ["needs_repair"]


async def test_a_bad_address_is_not_taken_round_the_carriers(stage: Stage, spare: ScriptedCarrier) -> None:
    order = AnOrder()
    stage.carrier.on("buy", CarrierRejected("BAD", "ship_to.lines", words=WORDS))

    await stage.labelled(order)

    assert spare.calls == []
    assert await stage.states(order) == ["needs_repair"]


async def test_what_the_runner_holds_back_is_moved_by_the_loop(stage: Stage, spare: ScriptedCarrier) -> None:
    order, other = AnOrder(), AnOrder()
    await stage.hear(order.created(), order.reserved(), other.created(), other.reserved())

    moved = await leave(stage.database, "scripted")
    said = await stage.work()

    assert moved == 2
    assert names(said).count("parcel.labelled") == 2
    assert stage.carrier.calls == []
    assert await leave(stage.database, "scripted") == 0


async def test_the_explanation_and_the_carriers_words_are_shown_to_who_may_see_them(
    stage: Stage, spare: ScriptedCarrier, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    order = AnOrder()
    stage.carrier.on("buy", ANOTHER)
    spare.on("prepare", CarrierRejected("NEVER.SEEN", words=WORDS))

    said = await stage.labelled(order)

    shipment_id = await stage.shipment(order)
    shown = (await client.get(f"/v1/shipments/{shipment_id}")).json()
    assert [one["because"] for one in shown["rules_tried"]] == ["service_refused", "matched"]
    assert (shown["trouble_code"], shown["trouble_remedy"]) == ("NEVER.SEEN", "untranslated")
    first, second = shown["labels"]
    assert (first["refusal_code"], first["remedy"]) == ("8003", "choose_another_service")
    (exception,) = shown["exceptions"]
    assert exception["remedy"] == "untranslated"
    assert "own words" in exception["next_step"]
    path = f"/v1/shipments/{shipment_id}/labels/{second['label_id']}/refusal"
    refusal = await client.get(path)
    assert refusal.json()["words"] == WORDS
    assert refusal.headers["cache-control"] == "private, no-store"
    timeline = (await client.get(f"/v1/shipments/{shipment_id}/timeline")).json()
    assert any(one["what"] == "passed_on" and "8003" in one["detail"] for one in timeline["items"])
    everywhere_else = [str(shown), str(timeline), str(said), caplog.text, str(await stage.rows("table job"))]
    assert all("Musterstra" not in one for one in everywhere_else)


async def test_the_words_go_when_their_time_is_over_and_the_code_stays(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = AnOrder()
    stage.carrier.on("buy", CarrierRejected("BAD", "ship_to", words=WORDS))
    await stage.labelled(order)
    async with stage.database.transaction() as tx:
        await tx.connection.exec_driver_sql("update refusal_words set personal_until = now() - interval '1s'")

    await erase_expired(stage.database)

    (label,) = await stage.rows("select label_id from label")
    path = f"/v1/shipments/{await stage.shipment(order)}/labels/{label.label_id}/refusal"
    refusal = (await client.get(path)).json()
    assert (refusal["words"], refusal["words_erased"], refusal["code"]) == (None, True, "BAD")


async def test_a_label_that_was_not_refused_has_no_refusal_to_show(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order = AnOrder()
    stage.carrier.on("prepare", CarrierUnavailable("not reached"))
    await stage.labelled(order)

    (label,) = await stage.rows("select label_id from label")
    answer = await client.get(f"/v1/shipments/{await stage.shipment(order)}/labels/{label.label_id}/refusal")

    assert answer.status_code == 404


def test_a_carrier_is_down_after_failing_for_long_enough_and_only_while_we_keep_asking() -> None:
    now = 0.0
    outages = Outages(10.0, clock=lambda: now)
    outages.failed("a")
    now = 9.0
    outages.failed("a")
    before = outages.down()
    now = 10.0
    at_its_time = outages.down()
    now = 20.0
    not_asked_since = outages.down()
    outages.failed("a")
    outages.answered("a")

    assert (before, at_its_time, not_asked_since, outages.down()) == ([], ["a"], [], [])


def test_failures_far_apart_are_not_one_outage() -> None:
    now = 0.0
    outages = Outages(10.0, clock=lambda: now)
    outages.failed("a")
    now = 21.0
    outages.failed("a")

    assert outages.down() == []
