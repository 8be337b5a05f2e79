"""Orders, their holds, the marketplaces they come from and the order process."""
