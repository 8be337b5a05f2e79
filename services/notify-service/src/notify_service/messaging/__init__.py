"""What the service listens to: a file per publishing service, each with one table of handlers."""

from crossdock_chassis.handlers import Handlers
from notify_service.messaging import order_events, shipping_events

#: Within a batch the orders first: less has to wait for them.
HANDLERS: Handlers = {**order_events.HANDLERS, **shipping_events.HANDLERS}
