"""What shipping is, without any framework."""
