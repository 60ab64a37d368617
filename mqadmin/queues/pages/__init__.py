"""What the pages and the API show of brokers and queues: lists, live numbers, verdicts in words."""
