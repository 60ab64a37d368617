"""What pages, API and commands show of definitions: versions, differences and plans in words."""
