"""Which letters are meant: queries and selections put to the database, and the counts it keeps for them."""
