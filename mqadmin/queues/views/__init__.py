"""Pages: the overview, the list of queues, one queue, and what can be done to it."""
