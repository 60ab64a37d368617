"""A letter as a row, and what is read from it: its tables, its text, its cause."""
