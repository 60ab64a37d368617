"""From a dead-letter queue into the database: committed first, acked after (guarantee 3)."""
