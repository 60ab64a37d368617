"""A tap: what is bound, what comes, what is kept of it; the process that holds taps, and who watches over that."""
