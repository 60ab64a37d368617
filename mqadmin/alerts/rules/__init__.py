"""What rules may say: which numbers they compare, which queues they mean, those that are there from the start."""
