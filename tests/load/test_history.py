"""Copies of finished orders: older, others, and still of one piece."""

from crossdock_cli.embedded.postgres import PostgresServer
from crossdock_cli.embedded.templates import FreshDatabase

from .history import DAY_MS, FUNCTIONS, Kept, copies, take_sample

PARENT = Kept("parent", named=("name",), erased=("mail",), which="done")
CHILD = Kept("child", named=("subject",))

SCHEMA = """
    create table parent (id uuid primary key, name text unique, mail text, at timestamptz, done boolean);
    create table child (id uuid primary key, parent uuid not null references parent, subject text unique);
    insert into parent values
        ('0197a000-0000-7000-8000-000000000001', 'first', 'x@y.z', '2026-11-22T12:00Z', true),
        ('0197a000-0000-7000-8000-000000000002', 'second', 'x@y.z', '2026-11-22T12:00Z', false);
    insert into child values ('0197a000-0000-7000-8000-000000000003', '0197a000-0000-7000-8000-000000000001',
                              '0197a000-0000-7000-8000-000000000001/1');
"""


def test_copies_are_older_and_others_and_still_belong_together(
    postgres: PostgresServer, fresh_database: FreshDatabase
) -> None:
    database = fresh_database("history").app_url.rpartition("/")[2]
    postgres.sql(SCHEMA + FUNCTIONS + take_sample(PARENT) + take_sample(CHILD), database=database)
    parent = {
        "id": "uuid",
        "name": "text",
        "mail": "text",
        "at": "timestamp with time zone",
        "done": "boolean",
    }
    child = {"id": "uuid", "parent": "uuid", "subject": "text"}

    postgres.sql(copies(PARENT, parent, 1, 4, step_ms=DAY_MS), database=database)
    postgres.sql(copies(CHILD, child, 1, 4, step_ms=DAY_MS), database=database)

    # The foreign key has held. What is not finished has no copies, and nobody's mail is known any more.
    found = postgres.sql(
        """
        select extract(day from p.at), p.mail is null, c.subject = p.id || '/1', p.id < c.id
        from parent p join child c on c.parent = p.id order by p.at;
        """,
        database=database,
    )
    assert found.split() == ["19|t|t|t", "20|t|t|t", "21|t|t|t", "22|f|t|t"]
    assert postgres.sql("select count(*) from parent;", database=database) == "5"
