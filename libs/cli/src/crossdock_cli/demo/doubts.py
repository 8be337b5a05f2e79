"""Mails that may or may not have arrived: looked up in the mailbox, as a person would, and decided."""

from collections.abc import Collection

from crossdock_cli.api import Api, Refused
from crossdock_cli.demo.run import Run

CONFLICT = 409


async def settle_doubts(run: Run, api: Api, order_ids: Collection[str]) -> None:
    """One look at the worklist: a mail that is there was sent, any other is said again. Safe to repeat."""
    for one in await api.items("notify", "/v1/messages", state="outcome_unknown"):
        if one["order_id"] not in order_ids:
            continue
        path = f"/v1/messages/{one['message_id']}"
        reference = (await api.get("notify", path))["reference"]
        mails = await api.rows("mailbox", "messages")
        is_there = any((mail["message_id"] or "").startswith(f"<{reference}@") for mail in mails)
        decision = {
            "action": "sent" if is_there else "send_again",
            "reason": f"the mailbox {'has it' if is_there else 'does not have it'}",
        }
        try:
            await api.send("POST", "notify", f"{path}/resolution", decision, key=run.key(path))
        except Refused as error:
            if error.status != CONFLICT:  # decided meanwhile
                raise
