"""What people do to a queue: look, publish, purge, move; nothing is lost on the way."""
