"""Sandboxes inside a test's own event loop: `async with running_shopify(tmp_path) as sandbox: ...`."""

from crossdock_sandbox.dhl_express.app import DhlExpressOptions, DhlExpressSandbox, running_dhl_express
from crossdock_sandbox.easypost.app import EasyPostSandbox, running_easypost
from crossdock_sandbox.easypost.office import EasyPostOptions
from crossdock_sandbox.generic.app import GenericOptions, GenericSandbox, running_generic
from crossdock_sandbox.mailbox.app import MailboxOptions, MailboxSandbox, running_mailbox
from crossdock_sandbox.mailbox.smtp import Login
from crossdock_sandbox.receiver import Receiver, receiving
from crossdock_sandbox.shopify.app import ShopifyOptions, ShopifySandbox, running_shopify
from crossdock_sandbox.woocommerce.app import WooCommerceOptions, WooCommerceSandbox, running_woocommerce

__all__ = [
    "DhlExpressOptions",
    "DhlExpressSandbox",
    "EasyPostOptions",
    "EasyPostSandbox",
    "GenericOptions",
    "GenericSandbox",
    "Login",
    "MailboxOptions",
    "MailboxSandbox",
    "Receiver",
    "ShopifyOptions",
    "ShopifySandbox",
    "WooCommerceOptions",
    "WooCommerceSandbox",
    "receiving",
    "running_dhl_express",
    "running_easypost",
    "running_generic",
    "running_mailbox",
    "running_shopify",
    "running_woocommerce",
]
