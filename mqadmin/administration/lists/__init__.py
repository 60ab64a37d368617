"""Lists of what a broker has, that many look at and one asks for: packed into the database, searched in memory.

`kinds` is what a list is; `packing` makes bytes of rows; `asking` asks the broker, one at a time; `reading` is
what pages and API call; `tables`, `matching` sort and search; `thread` runs in the monitor. Beside them: a module
a noun.
"""
