"""Starting mqadmin on one machine: `make up` and what `make test` and `.ci/run` share with it.

What runs before the virtual environment exists (`prepare`, `venv` and all they import) uses the standard
library only.
"""
