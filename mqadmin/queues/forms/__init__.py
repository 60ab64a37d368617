"""Forms of the queue's page: publish one message, confirm a purge, move messages."""
