"""From the broker's answer to rows: one sample per interval, a memory of each queue, a verdict on it."""
