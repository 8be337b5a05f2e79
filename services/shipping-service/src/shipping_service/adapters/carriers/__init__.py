"""One folder per carrier; none knows another."""
