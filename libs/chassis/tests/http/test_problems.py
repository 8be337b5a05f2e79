import logging

import httpx
import pytest

from crossdock_chassis.logging import configure_logging

from .demo import a_client

ORDER = "0198c0de-0000-7000-8000-000000000001"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def of(response: httpx.Response) -> tuple[int, str, object]:
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["instance"] == response.request.url.path
    assert document["title"]
    return response.status_code, document["type"], document.get("detail")


async def test_what_is_wrong_with_a_body_is_told_by_path_and_never_by_value() -> None:
    async with a_client(None) as client:
        response = await client.post("/v1/wishes", json={"what": "x" * 21, "units": "jane@example.org"})

    assert of(response) == (422, "/problems/invalid-request", None)
    assert [(one["path"], one["code"]) for one in response.json()["errors"]] == [
        ("body.what", "string_too_long"),
        ("body.units", "int_parsing"),
    ]
    assert "jane" not in response.text
    assert "xxx" not in response.text


async def test_a_body_that_is_no_json_is_a_problem_without_its_text() -> None:
    async with a_client(None) as client:
        response = await client.post(
            "/v1/wishes", content=b'{"what": jane', headers={"content-type": "application/json"}
        )

    assert of(response) == (422, "/problems/invalid-request", None)
    assert "jane" not in response.text


async def test_a_domain_error_has_the_status_of_the_table_and_its_values_as_detail() -> None:
    async with a_client(None) as client:
        response = await client.get(f"/v1/orders/{ORDER}")

    assert of(response) == (404, "/problems/order-not-found", ORDER)


async def test_unknown_paths_and_methods_are_problems_and_say_what_is_allowed() -> None:
    async with a_client(None) as client:
        unknown = await client.get("/v1/nothing")
        wrong = await client.delete("/v1/wishes")

    assert of(unknown) == (404, "/problems/not-found", None)
    assert of(wrong) == (405, "/problems/method-not-allowed", None)
    assert wrong.headers["allow"] == "POST"


async def test_a_defect_is_a_500_that_says_nothing_and_one_log_line_that_says_where(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handlers = logging.getLogger().handlers
    configure_logging("demo")
    async with a_client(None) as client:
        response = await client.get("/v1/broken?email=jane@example.org")
    logging.getLogger().handlers = handlers

    assert of(response)[:2] == (500, "/problems/internal")
    assert "jane" not in response.text
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert '"event": "http.failed"' in lines[0]
    assert "tests/http/demo.py" in lines[0]
    assert "email=" not in lines[0]
    assert response.json()["trace_id"] in lines[0]


async def test_an_incoming_trace_goes_on_and_without_one_a_trace_begins() -> None:
    body = {"what": "a", "units": 1}
    async with a_client(None) as client:
        going_on = await client.post(
            "/v1/wishes", json=body, headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}
        )
        begun = await client.post("/v1/wishes", json=body)
        garbage = await client.post("/v1/wishes", json=body, headers={"traceparent": f"00-{'0' * 32}-x-01"})

    assert going_on.json().split("-")[1] == TRACE
    assert len({begun.json().split("-")[1], garbage.json().split("-")[1], TRACE, "0" * 32}) == 4


async def test_the_description_names_problems_and_there_are_no_docs_unless_asked_for() -> None:
    async with a_client(None) as client:
        description = (await client.get("/v1/openapi.json")).json()
        docs = await client.get("/docs")

    assert description["info"] == {"title": "demo-service", "version": "1.2.3"}
    answers = description["paths"]["/v1/wishes"]["post"]["responses"]
    assert answers.keys() == {"200", "422", "default"}
    assert answers["default"]["content"].keys() == {"application/problem+json"}
    assert docs.status_code == 404


async def test_the_description_names_scopes_and_the_problems_that_may_come() -> None:
    async with a_client(None) as client:
        paths = (await client.get("/v1/openapi.json")).json()["paths"]
        again = (await client.get("/v1/openapi.json")).json()["paths"]

    assert again == paths
    assert paths["/v1/effects"]["post"]["security"] == [{"token": ["orders:write"]}]
    assert paths["/v1/effects"]["post"]["responses"].keys() == {"201", "401", "403", "409", "422", "default"}
    assert paths["/v1/effects"]["get"]["responses"].keys() == {"200", "400", "401", "403", "422", "default"}
    assert paths["/v1/orders/{order_id}"]["get"]["responses"].keys() == {"200", "404", "422", "default"}
