"""What shipping-service keeps, in its own PostgreSQL database."""
