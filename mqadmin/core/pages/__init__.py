"""The frame of every page, what went wrong in words, how numbers and times read; the core's own pages."""
