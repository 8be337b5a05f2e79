"""What the service listens to, and the calls it makes to carriers."""
