"""How fast it is, beside the same work done by hand, in one run on one machine (`make bench`)."""
