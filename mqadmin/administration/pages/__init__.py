"""What pages and API show of a broker's nouns: a page of a list, what an act would do, names in addresses."""
