"""The HTTP side of a service: the application, its errors, its tokens, its bounds."""

from crossdock_chassis.http.app import create_app, database_of
from crossdock_chassis.http.auth import Principal, add_token, list_tokens, require, revoke_token
from crossdock_chassis.http.edge import PlainRoute
from crossdock_chassis.http.idempotency import Idempotent, IdempotentCall
from crossdock_chassis.http.limits import Limit
from crossdock_chassis.http.pages import Page, Paging, page_of
from crossdock_chassis.http.problems import Problem

__all__ = [
    "Idempotent",
    "IdempotentCall",
    "Limit",
    "Page",
    "Paging",
    "PlainRoute",
    "Principal",
    "Problem",
    "add_token",
    "create_app",
    "database_of",
    "list_tokens",
    "page_of",
    "require",
    "revoke_token",
]
