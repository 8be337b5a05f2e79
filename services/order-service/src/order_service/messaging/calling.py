"""What a marketplace's errors mean to the runner of jobs."""

from collections.abc import Iterator
from contextlib import contextmanager

from crossdock_chassis.jobs import NotSent, OutcomeUnknown
from order_service.use_cases.marketplace import (
    MarketplaceOutcomeUnknown,
    MarketplaceUnavailable,
    NotReadyYet,
    TokenExpired,
)


@contextmanager
def calling() -> Iterator[None]:
    """Around the calls of one attempt. A refusal is an effect, and the caller's to store."""
    try:
        yield
    except MarketplaceUnavailable as error:
        alone = isinstance(error, NotReadyYet)
        raise NotSent(str(error), retry_after_s=error.retry_after_s, answered=alone) from error
    except TokenExpired as error:
        raise NotSent("the account's access token has run out", answered=True) from error
    except MarketplaceOutcomeUnknown as error:
        raise OutcomeUnknown(str(error)) from error
