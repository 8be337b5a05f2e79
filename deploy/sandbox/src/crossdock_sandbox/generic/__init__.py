"""A seller's own shop that speaks our own JSON."""
