"""Handler threads: taking deliveries, running the handler, and the outcome of each message."""
