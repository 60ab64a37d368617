"""A page of a list: in the browser and as a call returns it, with its search and the addresses of its rows."""
