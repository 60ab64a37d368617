"""What `make test` needs from the system: a RabbitMQ to start and stop, and a Chromium to drive.

python3 -m deploy.test_packages
"""

from __future__ import annotations

import shutil

from deploy import packages
from mqadmin.local import node
from mqadmin.local.trouble import report


def main() -> None:
    """Install what is missing. Raises Trouble with the command to run where this user may not."""
    missing = []
    if node.program() is None:
        missing.append("rabbitmq-server")
    if shutil.which("chromium") is None:
        missing.append("chromium")
    if missing:
        packages.install(*missing)


if __name__ == "__main__":
    report(main)
