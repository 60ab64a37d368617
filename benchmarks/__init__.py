"""How fast and how small mqadmin is, beside its peers. See README.md."""
