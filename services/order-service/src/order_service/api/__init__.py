"""order-service over HTTP: the marketplaces' webhooks and the people's API."""
