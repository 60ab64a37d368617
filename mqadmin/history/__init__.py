"""What was: the numbers of brokers, nodes and queues over months, thinned as they age."""
