"""What the database itself promises."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from notify_service.persistence.erasing import erase_expired

from .samples import a_snapshot
from .stage import Stage


@pytest.mark.parametrize(
    "statement",
    [
        "update delivery_log set what = 'x'",
        "delete from delivery_log",
        "delete from message",
        "truncate known_order cascade",
    ],
)
async def test_the_running_service_cannot_rewrite_what_happened(stage: Stage, statement: str) -> None:
    await stage.hear(a_snapshot(uuid4()))

    with pytest.raises(DBAPIError, match="permission denied"):
        await stage.rows(statement)


async def test_names_and_addresses_go_after_their_time_and_what_was_sent_stays(stage: Stage) -> None:
    old, new = uuid4(), uuid4()
    await stage.hear(a_snapshot(old), a_snapshot(new))
    async with stage.database.engine.begin() as connection:
        await connection.execute(
            text(
                "update known_order set personal_until = personal_until - interval '91 days'"
                " where order_id = :order_id"
            ),
            {"order_id": old},
        )

    erased = await erase_expired(stage.database)

    rows = await stage.rows("select order_id, buyer_name, email from known_order")
    assert erased == 1
    assert {row.order_id: (row.buyer_name, row.email) for row in rows} == {
        old: (None, None),
        new: ("Jörg Beispiel", "joerg@example.com"),
    }
    assert len(await stage.states()) == 2


async def test_no_name_and_no_address_lies_outside_of_the_one_table(stage: Stage) -> None:
    await stage.mailbox.misbehave("RCPT", "refuse")
    await stage.hear(a_snapshot(uuid4()), a_snapshot(uuid4()))
    await stage.work()

    tables = await stage.rows(
        "select table_name from information_schema.tables where table_schema = 'public'"
        " and table_name <> 'known_order'"
    )
    for (table,) in tables:
        found = await stage.rows(f"select t::text from {table} t where t::text ~* 'joerg|jörg|beispiel'")
        assert found == [], table
    assert "example.com" not in " ".join(event.model_dump_json() for event in await stage.said())
