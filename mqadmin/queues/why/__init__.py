"""Why a queue is stuck: the causes in order with their evidence, what changed before, and the way through it."""
