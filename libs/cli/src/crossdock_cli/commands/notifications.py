"""`crossdock notifications`."""

from typing import Annotated, Any

import typer

from crossdock_cli.api import Api
from crossdock_cli.commands.options import AsJson, Limit, order_id_of, pick, talk
from crossdock_cli.terminal import print_json, print_table


def notifications(
    *,
    state: Annotated[str | None, typer.Option(help="sent, failed, suppressed, outcome_unknown, ...")] = None,
    template: Annotated[str | None, typer.Option(help="order_confirmed, shipped, cancelled, delayed")] = None,
    order: Annotated[str | None, typer.Option(help="Only of this order.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """What buyers were told, the newest first."""

    async def read(api: Api) -> list[Any]:
        order_id = await order_id_of(api, order) if order else None
        return await api.items(
            "notify", "/v1/messages", at_most=limit, state=state, template=template, order_id=order_id
        )

    found = talk(read)
    if as_json:
        print_json(found)
        return
    names = ("order_number", "template", "locale", "recipient", "state", "code", "sent_at")
    print_table([name.replace("_", " ") for name in names], [pick(one, *names) for one in found])
