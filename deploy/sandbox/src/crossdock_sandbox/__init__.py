"""Stand-ins for carriers, marketplaces and mail: real servers that keep their own books."""
