"""What backups are for: the log is lost for good, or a service's database is back at an earlier time."""
