"""Acts that wait, in words."""
