"""Who may do what with which broker, virtual host, queue: rules, who asks just now, the rows that they may have."""
