"""Shopee's open platform: shops, signed calls, tokens, orders and packages, labels, products, pushes."""
