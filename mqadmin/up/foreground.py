"""`mqadmin up`: set everything up, run it in the foreground, and leave nothing behind.

    .venv/bin/python -m mqadmin.up.foreground

Comes after `prepare.check`, which `make up` sees to before there is a virtual environment (`deploy.prepare`). Ends
within 15 s of Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from mqadmin import place
from mqadmin.local import processes, steps
from mqadmin.local.trouble import Trouble, apart, forked, report
from mqadmin.up import run_state
from mqadmin.up.options import Options, from_environ
from mqadmin.up.running import PADDING, STOP_SECONDS

CELERY_VHOST = "mqadmin"
_READY_SECONDS = 120
_TOTAL_STOP_SECONDS = 14.0


def main() -> int:
    """Run mqadmin until a person stops it. Returns 0 then."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    options = from_environ()
    os.environ["MQADMIN_VAR"] = str(options.var)
    apart(_ask_settings)  # what they refuse is told before anything is started
    run = os.urandom(8).hex()
    run_state.write(options.var, run, options.address)
    try:
        with _broker(options) as urls:
            environ = _environment(options, urls, run)
            _set_up(options, environ)
            _serve(options, environ)
    except KeyboardInterrupt:
        print("mqadmin has stopped.", flush=True)
    finally:
        run_state.clear(options.var)
    return 0


def _ask_settings() -> None:
    import_module("mqadmin.settings")


def _ask_brokers() -> None:
    from mqadmin.local import reach

    reach.check(os.environ)


@contextmanager
def _broker(options: Options) -> Iterator[dict[str, str]]:
    """Yield RABBITMQ_URL and its sister of a broker that answers; stop it afterwards when it is ours."""
    if not options.private_broker:
        steps.say("Asking RabbitMQ ...")
        apart(_ask_brokers)
        yield {"RABBITMQ_URL": options.broker_url} if options.broker_url else {}
        return
    from mqadmin.local import broker

    own = broker.private(options.var / "rabbitmq", options.amqp_port, options.http_port)
    try:
        steps.say("Starting RabbitMQ ...")
        own.start()
        own.wait()
        yield {
            "RABBITMQ_URL": own.amqp_url,
            "RABBITMQ_MANAGEMENT_URL": own.management_url,
            "RABBITMQ_ENVIRONMENT": os.environ.get("RABBITMQ_ENVIRONMENT", "development"),
        }
    finally:
        _stop.begin()
        own.stop(max(0.0, _stop.left() - 1))  # killing what does not end takes a moment, too


class _Stop:
    """The stop as a whole: its parts share one deadline, so that a slow one leaves the next less time."""

    def __init__(self) -> None:
        self._ends: float | None = None

    def begin(self) -> None:
        """Start the clock, once, and hear no more: a second Ctrl-C would only leave something running."""
        self._ends = self._ends or time.monotonic() + _TOTAL_STOP_SECONDS
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def left(self) -> float:
        """Return the seconds until all must be over."""
        return (self._ends or time.monotonic()) - time.monotonic()


_stop = _Stop()


def _environment(options: Options, urls: dict[str, str], run: str) -> dict[str, str]:
    """Return the environment of every mqadmin process."""
    host = f"[{options.host}]" if ":" in options.host else options.host
    celery = {}
    if urls and not os.environ.get("CELERY_BROKER_URL"):
        celery["CELERY_BROKER_URL"] = (
            urlsplit(urls["RABBITMQ_URL"])._replace(path=f"/{CELERY_VHOST}").geturl()
        )
    checkout = "" if place.IS_INSTALLED else str(place.FILES)
    path = os.pathsep.join(filter(None, (checkout, os.environ.get("PYTHONPATH"))))
    return {
        **os.environ,
        **urls,
        **celery,
        processes.RUN_VARIABLE: run,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        **({"PYTHONPATH": path} if path else {}),
        "MQADMIN_VAR": str(options.var),
        "MQADMIN_SUPERVISOR_ON_EXIT": "stop",
        "BIND": f"{host}:{options.port}",
    }


def _set_up(options: Options, environ: dict[str, str]) -> None:
    """Bring database, static files, accounts and broker to where this version needs them; all repeatable."""
    steps.say("Preparing the database ...")
    command = place.manage("set_up", *(["--demo"] if options.demo else []))
    said = steps.run_several("Setting up", command, environ=environ)
    if said:  # nothing, unless there is something to know
        steps.say(said)


def _serve(options: Options, environ: dict[str, str]) -> None:
    """Run the Procfile until interrupted; whatever happens, none of its processes is left."""
    steps.say("Starting mqadmin ...")
    left_out = [] if options.demo else ["demo"]
    runner = subprocess.Popen(
        [*place.module("mqadmin.up.runner"), str(place.FILES / "Procfile"), *left_out, PADDING],
        cwd=place.WORK,
        env=environ,
        start_new_session=True,  # Ctrl-C reaches this process only, which then stops the others in order
    )
    try:
        _announce(options, runner)
        code = runner.wait()
        raise Trouble(f"The processes ended by themselves (exit code {code}): the lines above say why.")
    finally:
        _stop.begin()
        print("\nStopping ...", flush=True)
        runner.terminate()
        try:
            runner.wait(timeout=STOP_SECONDS + 0.5)
        except subprocess.TimeoutExpired:
            runner.kill()
        processes.end_run(environ[processes.RUN_VARIABLE], patience=0)


def _announce(options: Options, runner: subprocess.Popen[bytes]) -> None:
    """Print the last line, with address and login, once the page answers. Raises Trouble if it does not."""
    deadline = time.monotonic() + _READY_SECONDS
    while forked(lambda: 0 if _answers(options) else 1):
        if runner.poll() is not None:
            return
        if time.monotonic() > deadline:
            raise Trouble(
                f"{options.address} did not answer within {_READY_SECONDS} s: the lines above say why."
            )
        time.sleep(0.2)
    path = options.var / "admin-password"
    password = path.read_text().strip() if path.exists() else ""
    login = f"sign in as admin with the password {password} (kept in {path})" if password else "sign in"
    steps.say(f"mqadmin is ready: {options.address}  {login}")


def _answers(options: Options) -> bool:
    """Whether it serves, and shows the page to sign in, to which the first address leads. Loads 7 MB."""
    page = _fetch(options.address) if _fetch(f"{options.address}healthz") is not None else None
    return page is not None and b'type="password"' in page


def _fetch(url: str) -> bytes | None:
    import urllib.error
    import urllib.request

    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=5) as response:
            body: bytes = response.read()
            return body
    except (OSError, urllib.error.URLError):
        return None


if __name__ == "__main__":
    report(main)
