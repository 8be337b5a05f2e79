"""What the services say to each other: one file of events per publishing service."""
