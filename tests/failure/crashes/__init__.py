"""Real services that die, break and freeze at every named point while orders go through them."""
