from uuid import uuid4

import httpx
import pytest

from ..samples import a_snapshot, shipped
from ..stage import Stage


async def test_templates_are_listed_with_their_languages(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/v1/templates")).json()["items"]

    assert [one["template"] for one in listed] == ["order_confirmed", "shipped", "delayed", "cancelled"]
    assert listed[0]["languages"] == ["en", "zh-Hans", "de", "pt-BR"]


@pytest.mark.parametrize("template", ["order_confirmed", "shipped", "delayed", "cancelled"])
async def test_a_preview_shows_made_up_words_in_the_wished_language(
    client: httpx.AsyncClient, template: str
) -> None:
    answer = await client.post(f"/v1/templates/{template}/preview", json={"locale": "pt-PT"})

    shown = answer.json()
    assert (shown["language"], shown["locale"]) == ("pt-BR", "pt-PT")
    assert "pedido #1042" in shown["subject"]
    assert "Alex Kim" in shown["text"]


async def test_a_preview_takes_other_words_and_escapes_them(client: httpx.AsyncClient) -> None:
    sample = {"name": "<b>Eve</b>", "lines": [{"units": 3, "title": "Mug"}], "delay": "preparation"}

    shown = (await client.post("/v1/templates/delayed/preview", json={"sample": sample})).json()

    assert "&lt;b&gt;Eve&lt;/b&gt;" in shown["html"]
    assert "3 × Mug" in shown["text"]


async def test_a_preview_of_an_order_shows_its_goods_and_masks_the_name(
    stage: Stage, client: httpx.AsyncClient
) -> None:
    order_id = uuid4()
    await stage.hear(a_snapshot(order_id), shipped(order_id, uuid4()))

    shown = (await client.post("/v1/templates/shipped/preview", json={"order_id": str(order_id)})).json()

    assert shown["language"] == "de"
    assert "Guten Tag J***," in shown["text"]
    assert "Jörg" not in shown["html"]
    assert "1 × Desk Set" in shown["text"]


async def test_in_a_browser_nothing_of_a_preview_can_run_or_load(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/templates/shipped/preview", params={"locale": "zh-TW"})

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert 'lang="zh-Hans"' in answer.text


async def test_what_is_not_there_is_not_previewed(client: httpx.AsyncClient) -> None:
    no_template = await client.post("/v1/templates/birthday/preview", json={})
    no_order = await client.post("/v1/templates/shipped/preview", json={"order_id": str(uuid4())})
    both = await client.post(
        "/v1/templates/shipped/preview", json={"order_id": str(uuid4()), "sample": {"name": "x"}}
    )

    assert (no_template.status_code, no_order.status_code, both.status_code) == (404, 404, 422)
