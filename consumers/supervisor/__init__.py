"""From what should run to what runs, on one host: a pass a second, pure decisions, rows by compare-and-set."""
