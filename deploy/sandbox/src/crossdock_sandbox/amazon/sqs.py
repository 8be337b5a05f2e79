"""The queue: as much of SQS's JSON protocol as a reader needs."""

import asyncio
import hashlib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from crossdock_sandbox.amazon.store import Seller, Store
from crossdock_sandbox.amazon.words import SQS_TYPE, Refused, sqs_error
from crossdock_sandbox.calls import Answer

LOOK_EVERY_S = 0.05


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    QueueUrl: str


class Receive(_Body):
    MaxNumberOfMessages: int = Field(default=1, ge=1, le=10)
    WaitTimeSeconds: int = Field(default=0, ge=0, le=20)
    VisibilityTimeout: int = Field(default=30, ge=0, le=43_200)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    Id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")
    ReceiptHandle: str


class DeleteBatch(_Body):
    Entries: Annotated[list[_Entry], Field(min_length=1, max_length=10)]


class Queue:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def until_there_is_one(self, seller: Seller, wait_s: float) -> None:
        """A long poll: return when a notice waits, at the latest after `wait_s`."""
        try:
            async with asyncio.timeout(wait_s):
                while not self._store.waiting(seller.seller_id, 1):  # noqa: ASYNC110 - it waits in the books
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            return

    def receive(self, seller: Seller, given: Receive) -> Answer:
        messages = [
            {
                "MessageId": one["message_id"],
                "ReceiptHandle": self._store.hand_out(one["message_id"], given.VisibilityTimeout),
                "MD5OfBody": hashlib.md5(one["body"].encode(), usedforsecurity=False).hexdigest(),
                "Body": one["body"],
            }
            for one in self._store.waiting(seller.seller_id, given.MaxNumberOfMessages)
        ]
        said = {"Messages": messages} if messages else {}
        return Answer(said, media_type=SQS_TYPE, detail={"messages": len(messages)})

    def delete(self, seller: Seller, given: DeleteBatch) -> Answer:
        ids = [one.Id for one in given.Entries]
        if len(ids) != len(set(ids)):
            message = "Two or more batch entries in the request have the same Id."
            raise Refused(sqs_error(400, "BatchEntryIdsNotDistinct", message))
        successful, failed = [], []
        for one in given.Entries:
            if self._store.delete_notice(seller.seller_id, one.ReceiptHandle):
                successful.append({"Id": one.Id})
            else:
                said = {"Id": one.Id, "SenderFault": True, "Code": "ReceiptHandleIsInvalid"}
                failed.append({**said, "Message": "The receipt handle is not valid."})
        content = {"Successful": successful, "Failed": failed}
        return Answer(content, media_type=SQS_TYPE, detail={"deleted": len(successful)})
