from uuid import uuid4

import httpx

from ..samples import a_snapshot
from ..stage import Stage


async def test_a_profile_signs_the_mails_and_gives_the_language_of_who_has_none(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    every, main = (
        {"display_name": "Lumo", "default_locale": "de", "reply_to": None},
        {"display_name": "Lumo São Paulo", "default_locale": "pt-BR", "reply_to": "help@lumo.example"},
    )
    put = [
        await client.put("/v1/profiles/*", json=every),
        await client.put("/v1/profiles/main", json=main),
    ]

    await stage.hear(a_snapshot(uuid4(), buyer={"locale": None}))
    await stage.work()

    (mail,) = await stage.mailbox.mails()
    headers = dict(mail["headers"])
    assert [one.status_code for one in put] == [204, 204]
    assert mail["subject"] == "Seu pedido #1042 está confirmado"
    assert headers["From"] == "Lumo São Paulo <orders@lumo-demo.example>"
    assert headers["Reply-To"] == "help@lumo.example"
    listed = (await client.get("/v1/profiles")).json()["items"]
    assert [one["account"] for one in listed] == ["*", "main"]


async def test_who_wants_no_messages_gets_none_until_wanting_them_again(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    body = {"address": "Joerg@example.com", "reason": "asked by mail"}
    await client.post("/v1/opt-outs", json=body)

    await stage.hear(a_snapshot(uuid4()))
    await stage.work()
    await client.post("/v1/opt-outs/removal", json=body)
    await stage.hear(a_snapshot(uuid4()))
    await stage.work()

    assert await stage.states() == [
        ("order_confirmed", "suppressed", "opted_out"),
        ("order_confirmed", "sent", None),
    ]


async def test_a_profile_that_could_forge_a_header_is_refused(client: httpx.AsyncClient) -> None:
    answers = [
        await client.put("/v1/profiles/main", json={"display_name": "x\r\nBcc: y@example.com"}),
        await client.put("/v1/profiles/main", json={"display_name": "x", "reply_to": "nobody"}),
        await client.put("/v1/profiles/main", json={"display_name": "x", "default_locale": "../de"}),
    ]

    assert [one.status_code for one in answers] == [422, 422, 422]
