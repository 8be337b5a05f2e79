"""What order-service listens to, a file per publisher, and the timers and jobs it runs."""

from crossdock_chassis.handlers import Handlers
from order_service.messaging import inventory_events, shipping_events

HANDLERS: Handlers = {**inventory_events.HANDLERS, **shipping_events.HANDLERS}
