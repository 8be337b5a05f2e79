"""What may be said, to whom, in which words: pure rules."""
