"""WooCommerce's REST API v3, the Shipment Tracking plug-in and webhooks, for any number of sites."""
