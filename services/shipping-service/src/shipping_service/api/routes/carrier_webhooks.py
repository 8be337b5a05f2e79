"""`POST /webhooks/carriers/{code}`: proven on the raw bytes, stored, answered with what the carrier wants.

A plain Starlette endpoint without a token: the signature stands for it. 401 for everything that is not
proven, whatever the reason, and nothing of it is stored. What was stored before is answered the same and not
stored again. A worker reads it.
"""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from crossdock_chassis.ids import new_id
from shipping_service.persistence.carrier_messages import add_message
from shipping_service.persistence.transaction import ShippingDatabase
from shipping_service.use_cases.tracking_port import NotAuthentic, Webhook


class CarrierWebhooks:
    """Takes what the carriers push. Their secrets are read once, at start."""

    def __init__(self, database: ShippingDatabase, webhooks: Mapping[str, Webhook]) -> None:
        self._database = database
        self._webhooks = {code: (one, tuple(one.secrets())) for code, one in webhooks.items()}

    async def post(self, request: Request) -> Response:
        """The delivery in `request`; the answer goes out after the commit."""
        body = await request.body()
        webhook, secrets = self._webhooks.get(request.path_params["code"], (None, ()))
        if webhook is None or not secrets:
            return Response(status_code=401)
        try:
            delivery = webhook.verify(request.headers, body, secrets)
        except NotAuthentic:
            return Response(status_code=401)
        async with self._database.transaction() as tx:
            await add_message(
                tx.connection,
                new_id(),
                request.path_params["code"],
                delivery.dedupe_key,
                delivery.payload,
                personal_until=tx.now + tx.settings.personal_for,
            )
        return Response(delivery.ack.body, delivery.ack.status, media_type=delivery.ack.media_type)
