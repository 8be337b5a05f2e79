"""The SQS queue that Amazon writes a seller's notices into: JSON, signed with Signature Version 4.

Source: docs.aws.amazon.com, SQS API reference (ReceiveMessage, DeleteMessageBatch, "AWS JSON protocol"), read
2026-11-22.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from httpx_auth import AWS4Auth
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from order_service.adapters.marketplaces.amazon import api
from order_service.adapters.marketplaces.amazon.settings import AmazonSettings
from order_service.use_cases.marketplace import (
    MarketplaceRefused,
    MarketplaceUnavailable,
    QueuedNotice,
)
from order_service.use_cases.ports import Account

#: The account's options and secrets that open the queue.
QUEUE_URL: Final = "queue_url"
QUEUE_REGION: Final = "queue_region"
KEY_ID: Final = "aws_access_key_id"
SECRET_KEY: Final = "aws_secret_access_key"  # noqa: S105 - a name
#: The most that one call gives, and takes off.
BATCH: Final = 10
#: How long what was received is nobody else's: longer than it takes to keep ten notices.
VISIBILITY_S: Final = 120
SLOW_DOWN: Final = frozenset({"RequestThrottled", "ThrottlingException", "OverLimit", "KmsThrottled"})


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_pascal, populate_by_name=True)


class _Message(_Wire):
    receipt_handle: str
    body: str


class _Received(_Wire):
    messages: tuple[_Message, ...] = ()


class _Failed(_Wire):
    code: str


class _Deleted(_Wire):
    failed: tuple[_Failed, ...] = ()


class SqsQueue:
    """One seller's queue."""

    def __init__(self, http: httpx.AsyncClient, account: Account, settings: AmazonSettings) -> None:
        self._http = http
        self._account = account
        self._settings = settings
        self._url = account.options.get(QUEUE_URL, "")

    async def receive(self) -> Sequence[QueuedNotice]:
        """Up to ten notices; those not removed within two minutes come again."""
        asked = {
            "MaxNumberOfMessages": BATCH,
            "WaitTimeSeconds": self._settings.queue_wait_s,
            "VisibilityTimeout": VISIBILITY_S,
        }
        received = api.parsed(_Received, await self._call("ReceiveMessage", asked))
        return [QueuedNotice(one.receipt_handle, {}, one.body.encode()) for one in received.messages]

    async def remove(self, handles: Sequence[str]) -> None:
        for some in (handles[start : start + BATCH] for start in range(0, len(handles), BATCH)):
            entries = [{"Id": str(n), "ReceiptHandle": one} for n, one in enumerate(some)]
            answer = await self._call("DeleteMessageBatch", {"Entries": entries})
            failed = api.parsed(_Deleted, answer).failed
            if failed:
                raise MarketplaceUnavailable(f"the queue kept a notice: {failed[0].code[:100]}")

    async def _call(self, action: str, asked: Mapping[str, Any]) -> bytes:
        """Both calls are safe to repeat, so a lost answer is as if nothing was done."""
        api.refuse_open_line(self._url)
        parts = urlsplit(self._url)
        try:
            response = await self._http.post(
                f"{parts.scheme}://{parts.netloc}/",
                content=json.dumps({"QueueUrl": self._url, **asked}),
                headers={
                    "Content-Type": "application/x-amz-json-1.0",
                    "X-Amz-Target": f"AmazonSQS.{action}",
                },
                auth=self._signing(),
                timeout=self._settings.timeout_s + self._settings.queue_wait_s,
                follow_redirects=False,
            )
        except httpx.TransportError as error:
            raise api.lost(error, changes=False) from error
        if len(response.content) > api.ANSWER_BYTES:
            raise MarketplaceUnavailable("the queue's answer is too large")
        if response.is_success:
            return response.content
        raise _refusal(response)

    def _signing(self) -> AWS4Auth:
        named, options = self._account.secrets.named, self._account.options
        if not named.get(SECRET_KEY) or not named.get(KEY_ID):
            raise MarketplaceRefused("account_has_no_keys_for_its_queue")
        return AWS4Auth(named[KEY_ID], named[SECRET_KEY], options.get(QUEUE_REGION, ""), "sqs")


class _Error(BaseModel):
    """A namespace, `#`, the code."""

    type: str = Field(alias="__type")


def _refusal(response: httpx.Response) -> Exception:
    try:
        code = _Error.model_validate_json(response.content).type.rpartition("#")[2][:100]
    except ValidationError:
        code = f"queue_http_{response.status_code}"
    if response.status_code == 429 or response.status_code >= 500 or code in SLOW_DOWN:
        return MarketplaceUnavailable(f"the queue says {code}", retry_after_s=2.0)
    return MarketplaceRefused(code)
