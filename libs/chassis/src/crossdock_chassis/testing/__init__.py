"""What tests of several members need and no process does."""
