"""Personal data goes when its time is over; what was bought and shipped stays."""

from collections.abc import Collection

from sqlalchemy import ARRAY, Text, bindparam, text

from order_service.persistence.transaction import OrderDatabase
from order_service.use_cases.ports import Account

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
# A platform tells an application once of a person, in whichever of a merchant's shops they have bought. The
# index holds hashes: a name may be longer than an index takes, and is nobody's to read there.
_FORGET = text(
    """
    with theirs as (
        select order_id from orders
        where platform = :platform and merchant_id = :merchant_id and people is not null
          and hashtextextended(people -> 'buyer' ->> 'name', 0)
              = any(array(select hashtextextended(name, 0) from unnest(:names) as name))
          and people -> 'buyer' ->> 'name' = any(:names) and personal_until > crossdock_now()
        order by order_id for update
    ), forgotten as (
        update orders set personal_until = crossdock_now() where order_id in (select order_id from theirs)
    ), words as (
        update inbound_message set personal_until = crossdock_now()
        where order_id in (select order_id from theirs) and body is not null
    )
    select order_id from theirs order by order_id
    """
).bindparams(bindparam("names", type_=ARRAY(Text)))
ASKED = "erasure_asked"


async def forget(database: OrderDatabase, account: Account, names: Collection[str], because: str) -> int:
    """Let the time of this buyer's data be over, in all shops that the account's merchant has on the
    platform; how many orders that concerns. Safe to repeat.

    What is under way keeps its address until it ends. Other services keep theirs for their own time, so a
    person sees each order; `because` is the platform's id of its wish.
    """
    values = {"platform": account.platform, "merchant_id": account.merchant_id, "names": list(names)}
    async with database.transaction() as tx:
        orders = (await tx.connection.execute(_FORGET, values)).scalars().all()
        await tx.exceptions.raise_all(
            [(account.merchant_id, order_id, ASKED, because, None) for order_id in orders]
        )
    return len(orders)


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
