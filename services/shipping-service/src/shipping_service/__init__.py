"""Shipments, parcels, labels, customs data, tracking and returns."""
