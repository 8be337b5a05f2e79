"""What an order is and may do. The standard library only: no clock, no input, no output."""
