"""What rules match now, read from rows with a few queries for all of them; no broker is asked."""
