"""What is wrong with a broker as a whole: its nodes, its clients, its exchanges; and what happened to it."""
