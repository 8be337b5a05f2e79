"""Personal data goes when its time is over; what was bought and shipped stays."""

from sqlalchemy import text

from order_service.persistence.transaction import OrderDatabase

#: Rows per statement, so that no lock is held for long.
BATCH = 500

_ORDERS = text(
    """
    update orders set people = null where order_id in (
        select order_id from orders where people is not null and personal_until < crossdock_now()
          and status in ('cancelled', 'closed')
        order by order_id limit :batch for update skip locked)
    """
)
_MESSAGES = text(
    """
    update inbound_message set body = null where message_id in (
        select message_id from inbound_message where body is not null and personal_until < crossdock_now()
        order by message_id limit :batch for update skip locked)
    """
)


async def erase_expired(database: OrderDatabase) -> int:
    """Erase what is past its day; how many rows. An order under way keeps its address until it ends."""
    erased = 0
    for statement in (_ORDERS, _MESSAGES):
        while True:
            async with database.transaction() as tx:
                found = (await tx.connection.execute(statement, {"batch": BATCH})).rowcount
            erased += found
            if found < BATCH:
                break
    return erased
