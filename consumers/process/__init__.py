"""One consumer process on Django's side: what it is told, what it tells, where its records and captures go."""
