"""How the three servers say no: the Selling Partner API, Login with Amazon, SQS."""

from crossdock_sandbox.calls import Answer

SQS_TYPE = "application/x-amz-json-1.0"


class Refused(Exception):
    """Nothing is done; the answer says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.outcome)
        self.answer = answer


def api_error(status: int, code: str, message: str, details: str = "") -> Answer:
    said = {"code": code, "message": message, "details": details}
    return Answer({"errors": [said]}, status, code, detail=said)


def login_error(status: int, code: str, description: str) -> Answer:
    return Answer({"error": code, "error_description": description}, status, code)


def sqs_error(status: int, code: str, message: str) -> Answer:
    said = {"__type": f"com.amazonaws.sqs#{code}", "message": message}
    return Answer(said, status, code, media_type=SQS_TYPE)


class ApiWords:
    def server_error(self) -> Answer:
        return api_error(500, "InternalFailure", "We encountered an internal error. Please try again.")

    def throttled(self) -> Answer:
        return api_error(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")

    def refused(self, operation: str) -> Answer:
        return api_error(400, "InvalidInput", f"Refused on demand: {operation}.")


class LoginWords:
    def server_error(self) -> Answer:
        return login_error(500, "server_error", "The authorization server met an unexpected condition")

    def throttled(self) -> Answer:
        return login_error(429, "temporarily_unavailable", "The request was throttled")

    def refused(self, operation: str) -> Answer:
        return login_error(400, "invalid_grant", f"Refused on demand: {operation}")


class SqsWords:
    def server_error(self) -> Answer:
        return sqs_error(500, "InternalFailure", "The request processing has failed")

    def throttled(self) -> Answer:
        return sqs_error(400, "RequestThrottled", "The request was denied due to request throttling.")

    def refused(self, operation: str) -> Answer:
        return sqs_error(403, "AccessDeniedException", f"Refused on demand: {operation}")
