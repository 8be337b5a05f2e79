"""Amazon's Selling Partner API, Login with Amazon, and the queue its notices are written into."""
