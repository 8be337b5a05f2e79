"""What order-service listens to, a file per publisher, and the timers and jobs it runs."""
