"""The search of the dead letters: `source:orders error:Timeout header.tenant=acme payload.order.id>1000 died:<2h`.

`fields` is its vocabulary; `core.query` reads a query in it into a tree. `meaning` is what it means, in plain
Python; `compiling` turns it into a condition for SQLite and PostgreSQL; `searching` puts the two to work within
bounds. `completing` offers what could be typed next.
"""
