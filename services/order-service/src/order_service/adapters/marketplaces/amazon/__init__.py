"""Amazon: notices wait in a queue and name orders, which are fetched; tracking and stock are written back by
the Selling Partner API. See README.md.
"""

from typing import Final

import httpx

from order_service.adapters.marketplaces.amazon import codes, listings, notices, queue, tokens
from order_service.adapters.marketplaces.amazon.api import (
    MARKETPLACES,
    QUOTAS,
    REGION,
    SellingPartnerApi,
)
from order_service.adapters.marketplaces.amazon.listings import AmazonListings
from order_service.adapters.marketplaces.amazon.mapping import PLATFORM, read
from order_service.adapters.marketplaces.amazon.orders import AmazonOrders
from order_service.adapters.marketplaces.amazon.queue import SqsQueue
from order_service.adapters.marketplaces.amazon.settings import AmazonSettings
from order_service.adapters.marketplaces.amazon.tokens import LoginWithAmazon
from order_service.use_cases.marketplace import Asked, Marketplace, Meter, Polling, StockTelling
from order_service.use_cases.ports import Account

_MARKETPLACE: Final = "[A-Z0-9]{10,20}"
ASKS: Final = (
    Asked(REGION, "the region of the seller's API: na, eu or fe", pattern="na|eu|fe"),
    Asked(
        MARKETPLACES,
        "the ids of the marketplaces sold on, with commas between them",
        pattern=f"{_MARKETPLACE}(,{_MARKETPLACE}){{0,49}}",
    ),
    Asked(notices.APPLICATION, "the id of our application, which Amazon's notices are meant for"),
    Asked(
        queue.QUEUE_URL,
        "the SQS queue of ORDER_CHANGE notices; a standard one, FIFO queues are not written into",
        pattern=r"https?://[^\s/]+/\d{12}/[A-Za-z0-9_-]{1,80}",
    ),
    Asked(
        queue.QUEUE_REGION,
        "the AWS region of the queue, such as eu-west-1",
        pattern="[a-z]{2}(-[a-z]+)+-[0-9]",
    ),
    Asked(tokens.CLIENT_ID, "Login with Amazon: client id of our application"),
    Asked(tokens.CLIENT_SECRET, "Login with Amazon: client secret of our application", secret=True),
    Asked(tokens.REFRESH_TOKEN, "the refresh token of the seller's authorisation", secret=True),
    Asked(queue.KEY_ID, "AWS access key id of a user who may read the queue and nothing else", secret=True),
    Asked(queue.SECRET_KEY, "AWS secret access key of that user", secret=True),
)


def open_marketplace(http: httpx.AsyncClient) -> Marketplace:
    """All that marketplace_registry.py reads. Raises InvalidSettings."""
    settings = AmazonSettings.load()

    def open_api(account: Account, meter: Meter) -> SellingPartnerApi:
        return SellingPartnerApi(http, account, meter, settings)

    def open_orders(account: Account, meter: Meter) -> AmazonOrders:
        return AmazonOrders(open_api(account, meter), settings.carrier_codes)

    def open_listings(account: Account, meter: Meter) -> AmazonListings:
        return AmazonListings(open_api(account, meter), settings.product_type)

    def open_queue(account: Account, _: Meter) -> SqsQueue:
        return SqsQueue(http, account, settings)

    def open_refresher(account: Account, _: Meter) -> LoginWithAmazon:
        return LoginWithAmazon(http, account, settings)

    return Marketplace(
        code=PLATFORM,
        writes_tracking=True,
        fetched_topic=codes.ORDER,
        verify=notices.verify,
        read=read,
        open_gateway=open_orders,
        signed=False,
        asks=ASKS,
        quotas=QUOTAS,
        open_checker=open_listings,
        # Amazon takes no end later than two minutes ago. The quota is a call in three minutes: a poll in ten
        # leaves the rest to pages and to what is read again.
        polling=Polling(
            open_lister=open_orders,
            every_s=600.0,
            overlap_s=300.0,
            lag_s=150.0,
            longest_s=7 * 86_400.0,
        ),
        open_queue=open_queue,
        open_refresher=open_refresher,
        stock=StockTelling(open_listings, listings.BATCH),
    )
