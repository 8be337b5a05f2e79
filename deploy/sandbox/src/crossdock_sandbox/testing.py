"""Sandboxes inside a test's own event loop: `async with running_shopify(tmp_path) as sandbox: ...`."""

from crossdock_sandbox.amazon.app import AmazonOptions, AmazonSandbox, running_amazon
from crossdock_sandbox.dhl_express.app import DhlExpressOptions, DhlExpressSandbox, running_dhl_express
from crossdock_sandbox.easypost.app import EasyPostSandbox, running_easypost
from crossdock_sandbox.easypost.office import EasyPostOptions
from crossdock_sandbox.ebay.app import EbayOptions, EbaySandbox, running_ebay
from crossdock_sandbox.generic.app import GenericOptions, GenericSandbox, running_generic
from crossdock_sandbox.mailbox.app import MailboxOptions, MailboxSandbox, running_mailbox
from crossdock_sandbox.mailbox.smtp import Login
from crossdock_sandbox.receiver import Receiver, receiving
from crossdock_sandbox.seventeen_track.app import (
    SeventeenTrackOptions,
    SeventeenTrackSandbox,
    running_seventeen_track,
)
from crossdock_sandbox.shopee.app import ShopeeOptions, ShopeeSandbox, running_shopee
from crossdock_sandbox.shopify.app import ShopifyOptions, ShopifySandbox, running_shopify
from crossdock_sandbox.tiktok_shop.app import TikTokShopOptions, TikTokShopSandbox, running_tiktok_shop
from crossdock_sandbox.ups.app import UpsSandbox, running_ups
from crossdock_sandbox.ups.office import UpsOptions
from crossdock_sandbox.woocommerce.app import WooCommerceOptions, WooCommerceSandbox, running_woocommerce
from crossdock_sandbox.yanwen.app import YanwenOptions, YanwenSandbox, running_yanwen
from crossdock_sandbox.yunexpress.app import YunExpressOptions, YunExpressSandbox, running_yunexpress

__all__ = [
    "AmazonOptions",
    "AmazonSandbox",
    "DhlExpressOptions",
    "DhlExpressSandbox",
    "EasyPostOptions",
    "EasyPostSandbox",
    "EbayOptions",
    "EbaySandbox",
    "GenericOptions",
    "GenericSandbox",
    "Login",
    "MailboxOptions",
    "MailboxSandbox",
    "Receiver",
    "SeventeenTrackOptions",
    "SeventeenTrackSandbox",
    "ShopeeOptions",
    "ShopeeSandbox",
    "ShopifyOptions",
    "ShopifySandbox",
    "TikTokShopOptions",
    "TikTokShopSandbox",
    "UpsOptions",
    "UpsSandbox",
    "WooCommerceOptions",
    "WooCommerceSandbox",
    "YanwenOptions",
    "YanwenSandbox",
    "YunExpressOptions",
    "YunExpressSandbox",
    "receiving",
    "running_amazon",
    "running_dhl_express",
    "running_easypost",
    "running_ebay",
    "running_generic",
    "running_mailbox",
    "running_seventeen_track",
    "running_shopee",
    "running_shopify",
    "running_tiktok_shop",
    "running_ups",
    "running_woocommerce",
    "running_yanwen",
    "running_yunexpress",
]
