"""The HTTP API of those who run the installation: what waits, what rests, what failed, and how to go on.

Its scopes, `operations:read` and `operations:write`, see all merchants. No answer holds personal data.
"""

from crossdock_chassis.operations.router import operations_router

__all__ = ["operations_router"]
