"""17TRACK's tracking API: numbers that are registered for a credit each, asked about, and pushed."""
