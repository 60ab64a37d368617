"""`mqadmin mcp`: the JSON API as tools of the Model Context Protocol, by a process without Django or rows."""
