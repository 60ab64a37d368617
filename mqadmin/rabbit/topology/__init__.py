"""Where messages go: routing and dead-lettering worked out from listings, and what is wrong with it. Pure."""
