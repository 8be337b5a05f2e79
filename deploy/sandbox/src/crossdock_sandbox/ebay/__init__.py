"""eBay: its OAuth, its orders, stock and cancels, and the notices that it signs."""
