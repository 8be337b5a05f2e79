"""What the service listens to, and the calls it makes to carriers."""

from crossdock_chassis.handlers import Handlers
from shipping_service.messaging import inventory_events, order_events

HANDLERS: Handlers = {**order_events.HANDLERS, **inventory_events.HANDLERS}
