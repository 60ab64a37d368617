"""One module for each way to consume that is compared; each runs as a process of its own."""
