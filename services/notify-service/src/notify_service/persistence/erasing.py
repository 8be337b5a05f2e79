"""Names and addresses go when their time is over; what was sent about which order stays."""

from sqlalchemy import text

from notify_service.persistence.transaction import NotifyDatabase

#: Rows per statement, so that no lock is held for long.
BATCH = 500

_ERASE = text(
    """
    update known_order set buyer_name = null, email = null where order_id in (
        select order_id from known_order
        where (email is not null or buyer_name is not null) and personal_until < crossdock_now()
        order by order_id limit :batch for update skip locked)
    """
)


async def erase_expired(database: NotifyDatabase) -> int:
    """Erase what is past its day; how many rows."""
    erased = 0
    while True:
        async with database.transaction() as tx:
            found: int = (await tx.connection.execute(_ERASE, {"batch": BATCH})).rowcount
        erased += found
        if found < BATCH:
            return erased
