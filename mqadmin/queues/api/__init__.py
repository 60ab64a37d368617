"""The API's calls for brokers and queues."""
