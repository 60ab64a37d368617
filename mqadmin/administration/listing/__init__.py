"""How lists are asked for, kept, sorted and searched: many look at one, one asks. `kinds` is what a list is."""
