"""What each call does to a list of numbers: each is accepted or rejected by itself."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from crossdock_sandbox.calls import Answer
from crossdock_sandbox.seventeen_track import errors
from crossdock_sandbox.seventeen_track.detecting import detected
from crossdock_sandbox.seventeen_track.errors import Refused, error_of
from crossdock_sandbox.seventeen_track.store import Registered, Store
from crossdock_sandbox.seventeen_track.tracking import told
from crossdock_sandbox.seventeen_track.wire import Named, Registration, Wire

MOST = 40
_LIST = TypeAdapter(list[dict[str, Any]])

T = TypeVar("T", bound=Wire)


class _Rejected(Exception):
    """One number. Argument: the code."""


class Desk:
    def __init__(self, store: Store, quota: int) -> None:
        self._store = store
        self._quota = quota

    def register(self, body: bytes) -> Answer:
        def one(given: Registration) -> dict[str, Any]:
            carrier = given.carrier or (detected(given.number) if given.auto_detection else None)
            if self._store.find(given.number, carrier) is not None:
                raise _Rejected(errors.REGISTERED)
            if carrier is None:
                raise _Rejected(errors.NOT_DETECTED)
            if self._store.credits_used() >= self._quota:
                raise _Rejected(errors.QUOTA_USED)
            self._store.register(given.number, carrier, given.tag)
            return {
                "origin": 1,
                "number": given.number,
                "carrier": carrier,
                "email": given.email,
                "tag": given.tag,
                "lang": given.lang,
            }

        return _each(body, Registration, one)

    def track_info(self, body: bytes) -> Answer:
        def one(found: Registered) -> dict[str, Any]:
            known = told(self._store, found)
            if known["track_info"] is None:
                raise _Rejected(errors.NO_DATA_YET)
            return known

        return self._each_registered(body, one)

    def stop(self, body: bytes) -> Answer:
        def one(found: Registered) -> dict[str, Any]:
            if found.state != "tracking":
                raise _Rejected(errors.ONLY_TRACKED)
            self._store.move(found, "stopped")
            return _named(found)

        return self._each_registered(body, one)

    def retrack(self, body: bytes) -> Answer:
        def one(found: Registered) -> dict[str, Any]:
            if found.state != "stopped":
                raise _Rejected(errors.ONLY_STOPPED)
            if found.retracked:
                raise _Rejected(errors.ONLY_ONCE)
            self._store.move(found, "tracking", retracked=True)
            return _named(found)

        return self._each_registered(body, one)

    def delete(self, body: bytes) -> Answer:
        def one(found: Registered) -> dict[str, Any]:
            self._store.move(found, "deleted")
            return _named(found)

        return self._each_registered(body, one)

    def quota(self, _body: bytes) -> Answer:
        used = self._store.credits_used()
        return _answer({"quota_total": self._quota, "quota_used": used, "quota_remain": self._quota - used})

    def _each_registered(self, body: bytes, work: Callable[[Registered], dict[str, Any]]) -> Answer:
        def one(given: Named) -> dict[str, Any]:
            found = self._store.find(given.number, given.carrier)
            if found is None:
                raise _Rejected(errors.NOT_REGISTERED)
            return work(found)

        return _each(body, Named, one)


def _each(body: bytes, model: type[T], work: Callable[[T], dict[str, Any]]) -> Answer:
    """Raises Refused for a body that is no list of one to forty objects."""
    try:
        given = _LIST.validate_json(body)
    except ValidationError as error:
        raise Refused(errors.INVALID_DATA) from error
    if not given:
        raise Refused(errors.INVALID_DATA)
    if len(given) > MOST:
        raise Refused(errors.TOO_MANY)
    accepted, rejected = list[dict[str, Any]](), list[dict[str, Any]]()
    for one in given:
        try:
            accepted.append(work(model.model_validate(one)))
        except ValidationError:
            rejected.append(_rejection(one, errors.INVALID_FORMAT))
        except _Rejected as why:
            rejected.append(_rejection(one, why.args[0]))
    return _answer({"accepted": accepted, "rejected": rejected})


def _answer(data: dict[str, Any]) -> Answer:
    counts = {name: len(value) for name, value in data.items() if isinstance(value, list)}
    return Answer({"code": 0, "data": data}, detail=counts)


def _rejection(given: dict[str, Any], code: int) -> dict[str, Any]:
    return {"number": given.get("number"), "error": error_of(code)}


def _named(found: Registered) -> dict[str, Any]:
    return {"number": found.number, "carrier": found.carrier}
