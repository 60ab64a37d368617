"""Who may sign in, with which role, and the API tokens that act for them: pages, calls, acts."""
