"""A day at a shop: what is ordered (scenario), what is done (driver), what must come of it (judge)."""
