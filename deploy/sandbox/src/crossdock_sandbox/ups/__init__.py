"""UPS: shipments that are sold and labelled in one call, got again, taken back, tracked and told of."""
