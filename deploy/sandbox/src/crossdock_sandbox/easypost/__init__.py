"""EasyPost's API: shipments with rates, labels bought once, refunds, trackers, webhooks."""
