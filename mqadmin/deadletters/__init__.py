"""Dead letters: captured, found, understood, edited, requeued."""
