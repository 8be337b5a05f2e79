"""order-service's database. Set-based where consumers and the intake pass, locked in primary-key order."""
