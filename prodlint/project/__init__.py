"""What the repository as a whole says: versions, what is started in production, its services."""
