"""The proof: the whole system under load while everything around it breaks."""
