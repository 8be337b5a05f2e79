"""Who may call: the API by access token, Login with Amazon by client and refresh token, SQS by signature."""

import secrets
from urllib.parse import parse_qs

from starlette.requests import Request

from crossdock_sandbox import clock
from crossdock_sandbox.amazon import sigv4
from crossdock_sandbox.amazon.store import Seller, Store
from crossdock_sandbox.amazon.words import Refused, api_error, login_error, sqs_error
from crossdock_sandbox.calls import Answer

#: The AWS account that all the queues are of.
AWS_ACCOUNT = "123456789012"


class Doors:
    def __init__(self, store: Store, token_lives_s: float) -> None:
        self._store = store
        self._token_lives_s = token_lives_s

    def by_token(self, request: Request) -> Seller:
        """Raises Refused."""
        known = self._store.seller_of_token(request.headers.get("x-amz-access-token", ""))
        denied = "Access to requested resource is denied."
        if known is None:
            details = "The access token you provided is revoked, malformed or invalid."
            raise Refused(api_error(403, "Unauthorized", denied, details))
        seller, good = known
        if not good:
            details = "The access token you provided has expired."
            raise Refused(api_error(403, "Unauthorized", denied, details))
        return seller

    def by_signature(self, request: Request, body: bytes) -> Seller:
        """The seller whose queue may be read with the key that signed this. Raises Refused."""
        claim = sigv4.claim_in(request.headers.get("authorization", ""))
        if claim is None:
            raise Refused(sqs_error(403, "MissingAuthenticationToken", "The request is not signed."))
        seller = self._store.seller_of_key(claim.key_id)
        if seller is None:
            message = "The security token included in the request is invalid."
            raise Refused(sqs_error(403, "InvalidClientTokenId", message))
        headers = {name.lower(): value for name, value in request.headers.items()}
        signed = {"host", "x-amz-date", "x-amz-target"} <= set(claim.headers)
        expected = sigv4.signature_of(
            claim,
            seller.aws_secret_access_key,
            request.method,
            request.url.path,
            request.url.query,
            headers,
            body,
        )
        good = (
            signed
            and (claim.region, claim.service) == (seller.queue_region, "sqs")
            and sigv4.is_fresh(claim, headers, clock.now())
            and secrets.compare_digest(expected, claim.signature)
        )
        if not good:
            message = "The request signature we calculated does not match the signature you provided."
            raise Refused(sqs_error(403, "SignatureDoesNotMatch", message))
        return seller

    def sell_token(self, body: bytes) -> Answer:
        """An access token for a refresh token, which stays as it is. Raises Refused."""
        form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
        if form.get("grant_type") != "refresh_token":
            raise Refused(login_error(400, "unsupported_grant_type", "The grant type is not supported"))
        client_id, client_secret = form.get("client_id", ""), form.get("client_secret", "")
        if not self._store.knows_client(client_id, client_secret):
            raise Refused(login_error(401, "invalid_client", "Client authentication failed"))
        seller = self._store.seller_of_refresh_token(form.get("refresh_token", ""))
        if seller is None or seller.client_id != client_id:
            raise Refused(login_error(400, "invalid_grant", "The request has an invalid grant parameter"))
        said = {
            "access_token": self._store.issue_token(seller, self._token_lives_s),
            "refresh_token": seller.refresh_token,
            "token_type": "bearer",
            "expires_in": int(self._token_lives_s),
        }
        return Answer(said, reference=seller.seller_id)


def is_queue_of(seller: Seller, queue_url: str) -> bool:
    return queue_url.endswith(f"/{AWS_ACCOUNT}/{seller.seller_id}")
