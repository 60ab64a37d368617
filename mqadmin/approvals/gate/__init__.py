"""Before an act: whether it is so large that it waits, what is kept of it then, and how it is done later."""
