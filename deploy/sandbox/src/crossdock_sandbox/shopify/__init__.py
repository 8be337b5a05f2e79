"""Shopify's Admin API and its webhooks, for any number of shops."""
