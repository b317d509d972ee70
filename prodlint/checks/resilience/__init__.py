"""Family 5: timeouts, retries, databases and async code. Importing it registers the whole family."""
