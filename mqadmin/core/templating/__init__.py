"""Templates as Django has them, rendered in half of the time: the same pages, to the byte."""
