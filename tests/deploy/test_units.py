"""What systemd and Kubernetes are told to run exists, and is what the Procfile runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class
from django.test import Client

from tests.support.processes import ROOT

UNITS = ROOT / "deploy" / "systemd"
MANIFESTS = ROOT / "deploy" / "kubernetes"
PREFIX = "/opt/mqadmin"

COMMANDS = {
    **{
        file.name: line.removeprefix("ExecStart=")
        for file in sorted(UNITS.glob("*.service"))
        for line in file.read_text().splitlines()
        if line.startswith("ExecStart=")
    },
    **{
        f"{file.name} {number}": " ".join(json.loads(found))
        for file in sorted(MANIFESTS.glob("*.yaml"))
        for number, found in enumerate(re.findall(r"^ +command: (\[.+\])$", file.read_text(), re.MULTILINE))
    },
}


def manage_lines() -> Iterator[tuple[str, list[str]]]:
    """Yield (where it stands, words after manage.py) of every command line that runs it."""
    for where, line in COMMANDS.items():
        for found in re.findall(r"manage\.py ([^&]+)", line):
            yield where, found.split()


def test_there_is_something_to_test() -> None:
    assert len(COMMANDS) >= 12
    assert {words[0] for _where, words in manage_lines()} == {
        "run_monitor",
        "run_supervisor",
        "run_consumer",
        "backup",
        "migrate",
        "setup_broker",
    }


@pytest.mark.parametrize(("where", "words"), list(manage_lines()))
def test_every_management_command_takes_its_arguments(where: str, words: list[str]) -> None:
    name, *arguments = [word.replace("%i", "orders") for word in words]
    command = load_command_class(get_commands()[name], name)
    command.create_parser("manage.py", name).parse_args(arguments)


def _procfile() -> set[str]:
    """Return the Procfile's commands, but for what differs from place to place: addresses, numbers, folders."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {_plain(line.partition(": ")[2]) for line in lines if not line.startswith("demo")}


def _plain(line: str) -> str:
    line = line.replace(f"{PREFIX}/.venv/bin/", "")
    return re.sub(r"(--(?:bind|workers|threads|schedule)) \S+", r"\1 …", line)


def test_the_same_processes_run_everywhere() -> None:
    procfile = _procfile()
    units = {_plain(line) for name, line in COMMANDS.items() if name.endswith(".service")}
    pods = {_plain(line) for name, line in COMMANDS.items() if not name.endswith(".service")}
    consumer = "python manage.py run_consumer"
    assert units == procfile | {f"{consumer} %i", "python manage.py backup --verbosity 0"}
    wanted = {line for line in procfile if "run_supervisor" not in line}
    assert {line for line in pods if not line.startswith(("sh -c", consumer))} == wanted
    assert any(line.startswith(f"{consumer} orders --wait") for line in pods)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as they would be where the code is: systemd checks that what they start is there."""
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder)
    binaries = tmp_path / "opt" / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name in ("python", "gunicorn", "celery"):
        shutil.copy("/bin/true", binaries / name)
    for file in folder.rglob("*.*"):
        if file.is_file():
            file.write_text(file.read_text().replace(PREFIX, str(tmp_path / "opt")))
    shutil.copy(folder / "mqadmin-consumer@.service", folder / "mqadmin-consumer@orders.service")
    return folder


def _systemd(*arguments: str | Path) -> str:
    """Return all that systemd-analyze says, which is nothing where all is well."""
    command = ["systemd-analyze", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not here")


@needs_systemd
def test_systemd_understands_the_units(units: Path) -> None:
    files = [*units.glob("*.service"), units / "mqadmin.target"]
    assert _systemd("verify", "--man=no", *files) == ""
    common = units / "mqadmin-.service.d" / "10-common.conf"
    common.write_text(common.read_text() + "Restrct=yes\n")
    assert "Restrct" in _systemd("verify", "--man=no", units / "mqadmin-web.service"), (
        "it applies to all units"
    )


def _of_the_package(units: Path) -> Path:
    """Change the units as docs/running.md says; return where the programs of the package are."""
    said = re.search(r"^sed -i (-e .+?)/etc/systemd", (ROOT / "docs" / "running.md").read_text(), re.M | re.S)
    assert said is not None
    changes = [text.replace(PREFIX, str(units.parent / "opt")) for text in re.findall(r"'(s#.+?#)'", said[1])]
    files = [file for file in units.rglob("*.*") if file.suffix in (".service", ".conf") and file.is_file()]
    subprocess.run(["sed", "-i", *(f"--expression={text}" for text in changes), *map(str, files)], check=True)
    binaries = units.parent / "opt" / "bin"
    shutil.move(units.parent / "opt" / ".venv" / "bin", binaries)
    shutil.copy("/bin/true", binaries / "mqadmin")
    (binaries / "python").unlink()
    return binaries


@needs_systemd
def test_the_units_run_the_package_too(units: Path) -> None:
    """Both as they are changed, and as one: each program that they name is one that pip installs."""
    binaries = _of_the_package(units)
    one = shutil.copy(units / "package" / "mqadmin.service", units / "mqadmin.service")
    started = {
        line.split()[0].removeprefix("ExecStart=")
        for file in units.glob("*.service")
        for line in file.read_text().splitlines()
        if line.startswith("ExecStart=")
    }
    assert started == {str(binaries / name) for name in ("mqadmin", "celery", "gunicorn")}
    assert _systemd("verify", "--man=no", *units.glob("*.service"), units / "mqadmin.target") == ""
    found = re.search(r"exposure level for \S+ ([\d.]+)", _systemd("security", "--offline=true", one))
    assert found is not None
    assert float(found[1]) < 4
    common = (units / "mqadmin-.service.d" / "10-common.conf").read_text().splitlines()
    hardening = [line for line in common if re.match(r"(?!Environment=)[A-Z]\w*=", line)]
    assert [line for line in hardening if line not in Path(one).read_text()] == []


@needs_systemd
def test_the_units_are_hardened(units: Path) -> None:
    for file in units.glob("*.service"):
        if "@." in file.name:
            continue
        found = re.search(
            r"Overall exposure level for \S+ ([\d.]+)", _systemd("security", "--offline=true", file)
        )
        assert found is not None
        assert float(found[1]) < 4, file.name


def test_a_stop_leaves_time_for_what_is_in_hand() -> None:
    from consumers.models import Consumer

    stop_seconds: Any = Consumer._meta.get_field("stop_seconds").get_default()
    unit = (UNITS / "mqadmin-consumer@.service").read_text()
    pod = (MANIFESTS / "consumer.yaml").read_text()
    for found in (
        re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE),
        re.search(r"terminationGracePeriodSeconds: (\d+)$", pod, re.MULTILINE),
    ):
        assert found is not None
        assert int(found[1]) > stop_seconds + 5


def test_how_systemd_treats_the_exit_codes() -> None:
    from consumers.runtime import process

    unit = (UNITS / "mqadmin-consumer@.service").read_text().splitlines()
    assert f"RestartPreventExitStatus={process.CONFIGURATION}" in unit
    assert f"RestartForceExitStatus={process.RECYCLED}" in unit
    assert "Restart=on-failure" in unit


@pytest.mark.django_db
def test_the_probe_of_the_pages_gets_through(settings: Any) -> None:
    """The probe names the host and the scheme, else Django refuses or redirects it."""
    web, config = (MANIFESTS / "web.yaml").read_text(), (MANIFESTS / "config.yaml").read_text()
    hosts = re.search(r"MQADMIN_ALLOWED_HOSTS: (\S+)", config)
    assert hosts is not None
    settings.ALLOWED_HOSTS = hosts[1].split(",")
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    path = re.search(r"path: (\S+)", web)
    assert path is not None
    headers = dict(re.findall(r"- name: (Host|X-Forwarded-Proto)\n +value: (\S+)", web))
    assert Client(headers=headers).get(path[1]).status_code == 200
    assert Client(headers={**headers, "Host": "10.0.0.7"}).get(path[1]).status_code == 400


def test_no_secret_is_in_them() -> None:
    text = (MANIFESTS / "secret.yaml").read_text()
    values = re.findall(r"^  [A-Z_]+: (.+)$", text, re.MULTILINE)
    assert len(values) == 3
    assert all("REPLACE-ME" in value for value in values)
    everything = "".join(
        file.read_text() for file in [*UNITS.rglob("*.*"), *MANIFESTS.iterdir()] if file.is_file()
    )
    assert set(re.findall(r"://[^/\s:]+:([^@\s]+)@", everything)) == {"REPLACE-ME"}


def test_the_image_is_made_of_what_is_there() -> None:
    lines = (MANIFESTS / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY ")]
    assert {"mqadmin", "consumers", "templates", "static", "manage.py", "requirements.txt"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)


@needs_kubectl
def test_kubernetes_knows_every_field() -> None:
    """Read with the types of Kubernetes, what it does not know is gone: then the two readings differ."""
    whole = _kubectl("kustomize", MANIFESTS)
    plain = _objects(_kubectl("label", "--local", "-f", "-", "a=b", "-o", "json", given=whole))
    set_memory = ("set", "resources", "--local", "-f", "-", "--limits=memory=999Mi", "-o", "json")
    typed = _objects(_kubectl(*set_memory, given=whole))
    assert {kind for kind, _name in typed} == {"Deployment", "Job"}
    assert len(typed) == 5
    for key, read in typed.items():
        assert set(_paths(plain[key])) - set(_paths(read)) <= {"/metadata/labels/a"}


def _kubectl(*arguments: str | Path, given: str = "") -> str:
    command = ["kubectl", *map(str, arguments)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout


def _objects(text: str) -> dict[tuple[str, str], Any]:
    found, decoder = {}, json.JSONDecoder()
    while text := text.lstrip():
        item, end = decoder.raw_decode(text)
        found[item["kind"], item["metadata"]["name"]] = item
        text = text[end:]
    return found


def _paths(value: object, at: str = "") -> Iterator[str]:
    """Yield where every leaf of a JSON value is."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(item, f"{at}/{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _paths(item, f"{at}/{number}")
    else:
        yield at


def test_a_consumer_out_of_memory_does_not_take_its_supervisor_along() -> None:
    """By default systemd stops the whole unit when the kernel kills one process of it."""
    assert "OOMPolicy=continue" in (UNITS / "mqadmin-supervisor.service").read_text().splitlines()
