"""How eBay says no.

Source: developer.ebay.com, Fulfillment API "createShippingFulfillment" (numbers of errors), and "OAuth
tokens", read 2026-11-22. README.md names what is not recorded.
"""

from crossdock_sandbox.calls import Answer


def error(status: int, number: int, message: str, *, domain: str = "API_FULFILLMENT") -> Answer:
    content = {"errors": [{"errorId": number, "domain": domain, "category": "REQUEST", "message": message}]}
    outcome = {404: "not_found", 429: "throttled", 500: "server_error"}.get(status, "refused")
    return Answer(content, status, outcome=outcome, detail={"error": number})


def oauth_error(status: int, code: str, message: str) -> Answer:
    content = {"error": code, "error_description": message}
    return Answer(content, status, outcome="refused", detail={"error": code})


class Words:
    def server_error(self) -> Answer:
        return error(500, 30500, "System error.")

    def throttled(self) -> Answer:
        refused = error(429, 2001, "The request limit has been reached for the resource.", domain="ACCESS")
        return Answer(refused.content, 429, "throttled", headers={"Retry-After": "2"})

    def refused(self, operation: str) -> Answer:
        return error(403, 1100, f"Access denied: {operation}", domain="ACCESS")
