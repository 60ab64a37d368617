"""How many processes a consumer has, where and at what hours: pure decisions, and the rows they are written to."""
