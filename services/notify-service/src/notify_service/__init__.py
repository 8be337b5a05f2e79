"""Messages to buyers and merchants, each said once."""
