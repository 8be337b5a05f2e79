"""Personal data goes when its time is over: the consignees, the bytes of the documents that show them, what
carriers said of them, and the texts of scans and what carriers have pushed, which may name who signed.
"""

from sqlalchemy import text

from shipping_service.persistence.transaction import ShippingDatabase

BATCH = 500

_CONSIGNEES = text(
    """
    delete from consignee where order_id in (
        select order_id from consignee where personal_until < crossdock_clock() limit :batch)
    """
)
_DOCUMENTS = text(
    """
    update document set content = null where document_id in (
        select document_id from document
        where content is not null and personal_until < crossdock_clock() limit :batch)
    """
)
_WORDS = text(
    """
    update refusal_words set words = null where label_id in (
        select label_id from refusal_words
        where words is not null and personal_until < crossdock_clock() limit :batch)
    """
)
_SCAN_TEXTS = text(
    """
    delete from scan_text where scan_id in (
        select scan_id from scan_text where personal_until < crossdock_clock() limit :batch)
    """
)
_CARRIER_MESSAGES = text(
    """
    delete from carrier_message where message_id in (
        select message_id from carrier_message where personal_until < crossdock_clock() limit :batch)
    """
)


async def erase_expired(database: ShippingDatabase) -> int:
    """Erase what is past its day, batch by batch. Returns how many rows; safe to repeat."""
    erased = 0
    for statement in (_CONSIGNEES, _DOCUMENTS, _WORDS, _SCAN_TEXTS, _CARRIER_MESSAGES):
        while True:
            async with database.transaction() as tx:
                rows = (await tx.connection.execute(statement, {"batch": BATCH})).rowcount
            erased += rows
            if rows < BATCH:
                break
    return erased
