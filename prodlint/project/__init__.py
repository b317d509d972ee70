"""The project as a whole: the snapshot of its bytes, and what they say of versions, of what production starts, of its services."""
