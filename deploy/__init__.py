"""Starting mqadmin on one machine: `make up` and what `make test` and `.ci/run` share with it.

What runs before the virtual environment exists (`prepare`, `venv` and all they import) uses the standard
library only. This file can be read by any Python 3, so that one that is too old is told as such.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"mqadmin: it needs Python 3.11 or newer; {sys.executable} is {sys.version_info[0]}.{sys.version_info[1]}. "
        "Name another one: make up PYTHON=python3.12"
    )
