"""Sandboxes inside a test's own event loop: `async with running_shopify(tmp_path) as sandbox: ...`."""

from crossdock_sandbox.receiver import Receiver, receiving
from crossdock_sandbox.shopify.app import ShopifyOptions, ShopifySandbox, running_shopify

__all__ = ["Receiver", "ShopifyOptions", "ShopifySandbox", "receiving", "running_shopify"]
