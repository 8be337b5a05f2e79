"""What stock is, what is promised of it, and how a promise ends. Standard library only."""
