"""Members of quorum queues: on which nodes a queue is."""
