"""What a checkout needs besides the package: `make` and `.ci/run`, and units, manifests and charts.

What runs before the virtual environment exists (`prepare`, `venv` and all they import) uses the standard
library only. This file can be read by any Python 3, so that one that is too old is told as such.
"""

import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"mqadmin: it needs Python 3.11 or newer; {sys.executable} is {sys.version_info[0]}.{sys.version_info[1]}. "
        "Name another one: make up PYTHON=python3.12"
    )

ROOT = Path(__file__).resolve().parent.parent
