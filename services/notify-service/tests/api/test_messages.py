from uuid import uuid4

import httpx

from ..samples import a_snapshot, shipped
from ..stage import Stage


async def _in_doubt(stage: Stage) -> str:
    """One message whose outcome nobody knows; its id."""
    await stage.mailbox.misbehave("DATA", "do_then_drop_connection")
    await stage.hear(a_snapshot(uuid4()))
    await stage.work()
    ((message_id,),) = await stage.rows("select message_id::text from message")
    return str(message_id)


async def test_messages_are_listed_page_by_page_with_masked_recipients(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order_id = uuid4()
    await stage.hear(a_snapshot(order_id), shipped(order_id, uuid4()), a_snapshot(uuid4()))
    await stage.work()

    first = (await client.get("/v1/messages", params={"order_id": str(order_id), "limit": 1})).json()
    second = (
        await client.get(
            "/v1/messages", params={"order_id": str(order_id), "limit": 1, "cursor": first["next_cursor"]}
        )
    ).json()

    templates = [page["items"][0]["template"] for page in (first, second)]
    assert sorted(templates) == ["order_confirmed", "shipped"]
    assert second["next_cursor"] is None
    assert first["items"][0]["recipient"] == "j***@example.com"
    assert first["items"][0]["order_number"] == "#1042"


async def test_filters_narrow_the_list(stage: Stage, client: httpx.AsyncClient) -> None:
    order_id = uuid4()
    await stage.hear(a_snapshot(order_id), shipped(order_id, uuid4()))

    async def count(**params: str) -> int:
        return len((await client.get("/v1/messages", params=params)).json()["items"])

    assert await count(template="shipped") == 1
    assert await count(state="waiting", channel="email") == 2
    assert await count(state="sent") == 0
    assert await count(order_number="#1042") == 2
    assert await count(order_number="#1") == 0


async def test_another_merchants_messages_are_not_there(stage: Stage, client: httpx.AsyncClient) -> None:
    await stage.hear(a_snapshot(uuid4(), merchant_id="other"))
    ((message_id,),) = await stage.rows("select message_id::text from message")

    listed = (await client.get("/v1/messages")).json()
    shown = await client.get(f"/v1/messages/{message_id}")
    retried = await client.post(f"/v1/messages/{message_id}/retry", json={"reason": "x"})

    assert listed["items"] == []
    assert (shown.status_code, retried.status_code) == (404, 404)


async def test_a_message_shows_its_log_and_the_next_step(stage: Stage, client: httpx.AsyncClient) -> None:
    message_id = await _in_doubt(stage)

    shown = (await client.get(f"/v1/messages/{message_id}")).json()

    assert [one["what"] for one in shown["log"]] == ["planned", "attempt_started", "outcome_unknown"]
    assert shown["next_step"].startswith("Look for its reference")
    (mail,) = await stage.mailbox.mails()
    assert mail["message_id"].startswith(f"<{shown['reference']}@")


async def test_a_person_who_knows_that_it_arrived_closes_the_question(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    message_id = await _in_doubt(stage)

    body = {"action": "sent", "reason": "in the server's log"}
    first = await client.post(f"/v1/messages/{message_id}/resolution", json=body)
    second = await client.post(f"/v1/messages/{message_id}/resolution", json=body)

    assert first.json() == {"message_id": message_id, "state": "sent"}
    assert second.status_code == 409
    assert len(await stage.mailbox.mails()) == 1
    assert [event.TOPIC for event in await stage.said()] == ["notification.failed", "notification.sent"]
    assert (await stage.said())[-1].actor.name == "anna"


async def test_a_person_may_have_it_sent_again_as_the_next_revision(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    message_id = await _in_doubt(stage)

    answers = [
        await client.post(
            f"/v1/messages/{message_id}/resolution",
            json={"action": "send_again", "reason": "the buyer has nothing"},
            headers={"Idempotency-Key": "once"},
        )
        for _ in range(2)
    ]
    await stage.work()

    first, second = await stage.mailbox.mails()
    assert answers[0].json() == answers[1].json()
    assert first["message_id"] != second["message_id"]
    assert [state for _, state, _ in await stage.states()] == ["replaced", "sent"]
    assert [event.revision for event in await stage.said()] == [1, 2]


async def test_what_is_sent_again_still_follows_from_what_happened_to_the_order(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    message_id = await _in_doubt(stage)

    await client.post(
        f"/v1/messages/{message_id}/resolution",
        json={"action": "send_again", "reason": "the buyer has nothing"},
    )
    await stage.work()

    doubted, sent = await stage.rows(
        "select cause_event_id, correlation_id from job where kind = 'channel.send' order by created_at"
    )
    assert doubted[0] is not None
    assert sent == doubted


async def test_a_failed_message_is_tried_again_when_a_person_says_so(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    await stage.mailbox.misbehave("RCPT", "refuse")
    await stage.hear(a_snapshot(uuid4()))
    await stage.work()
    ((message_id,),) = await stage.rows("select message_id::text from message")

    answer = await client.post(f"/v1/messages/{message_id}/retry", json={"reason": "mailbox exists now"})
    await stage.work()

    assert answer.status_code == 202
    assert await stage.states() == [("order_confirmed", "sent", None)]
    assert "retried" in await stage.logged()


async def test_a_message_that_waits_cannot_be_decided_about(stage: Stage, client: httpx.AsyncClient) -> None:
    await stage.hear(a_snapshot(uuid4()))
    ((message_id,),) = await stage.rows("select message_id::text from message")

    answer = await client.post(
        f"/v1/messages/{message_id}/resolution", json={"action": "send_again", "reason": "x"}
    )

    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/illegal-move"
