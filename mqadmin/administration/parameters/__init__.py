"""Parameters, and what shovels and federation share, which are made of parameters."""
