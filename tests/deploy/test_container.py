"""The image, the compose file and the chart: what they name is there, and what they run is the Procfile's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import ROOT
from mqadmin import __version__
from tests.deploy.test_units import _plain, _procfile

CONTAINER = ROOT / "deploy" / "container"
CHART = ROOT / "deploy" / "helm" / "mqadmin"
needs_helm = pytest.mark.skipif(not shutil.which("helm"), reason="helm is not here")


def test_the_image_is_made_of_what_is_there_and_runs_as_nobody_special() -> None:
    text = (CONTAINER / "Dockerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (?!--)(.+) \S+$", text, re.M) for name in line.split()]
    assert {"mqadmin", "consumers", "templates", "static", "locale", "Procfile", "pyproject.toml"} <= set(
        copied
    )
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert re.search(r"^USER 10001$", text, re.M)
    assert re.search(r"^HEALTHCHECK .*\\\n +CMD \[.*/healthz", text, re.M)
    assert f"mqadmin:{__version__}" in text


def test_the_image_keeps_our_catalogues_and_of_others_the_languages_that_we_speak(tmp_path: Path) -> None:
    text = (CONTAINER / "Dockerfile").read_text()
    [command] = re.findall(r"&& (find .*/locale/.*-exec rm -rf \{\} \+) \\\n", text)
    ours = [
        "mqadmin/files/locale/queues/zh_Hans/LC_MESSAGES",
        "mqadmin/files/locale/core/zh_Hans/LC_MESSAGES",
    ]
    kept = [*ours, "django/conf/locale/en/LC_MESSAGES", "django/conf/locale/zh_Hans/LC_MESSAGES"]
    for folder in (*kept, "django/conf/locale/de/LC_MESSAGES", "allauth/locale/fr/LC_MESSAGES"):
        (tmp_path / folder).mkdir(parents=True)
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("LC_MESSAGES")} == set(kept)


def test_compose_gives_it_no_rights_and_nothing_to_write_to_but_its_data() -> None:
    services = yaml.safe_load((CONTAINER / "compose.yaml").read_text())["services"]
    ours = services["mqadmin"]
    assert ours["image"] == f"mqadmin:{__version__}"
    assert (ours["read_only"], ours["cap_drop"], ours["user"]) == (True, ["ALL"], "10001:10001")
    assert ours["security_opt"] == ["no-new-privileges:true"]
    assert ours["volumes"] == ["mqadmin:/var/lib/mqadmin"]
    assert (CONTAINER / ours["build"]["context"]).resolve() == ROOT
    assert (ROOT / ours["build"]["dockerfile"]).exists()
    assert "healthcheck" in services["rabbitmq"]
    assert all(port.startswith("127.0.0.1:") for port in ours["ports"])


def _keys(value: Any, at: str = "") -> Iterator[str]:
    for key, item in value.items():
        yield f"{at}{key}"
        if isinstance(item, dict) and key != "config":
            yield from _keys(item, f"{at}{key}.")


def test_the_charts_schema_knows_its_values() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    known = set()
    for name, part in schema["properties"].items():
        about = schema["definitions"]["one"] if part.get("$ref", "").endswith("/one") else part
        known |= {name, *(f"{name}.{key}" for key in about.get("properties", {}))}
    assert set(_keys(values)) == known - {"global"}
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__


def _helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["helm", *arguments]
    return subprocess.run(command, cwd=CHART, capture_output=True, text=True, check=False, timeout=60)


@needs_helm
def test_the_chart_runs_what_the_procfile_runs() -> None:
    assert _helm("lint", "--strict", ".").returncode == 0
    assert _helm("lint", ".", "--set", "web.memory=lots").returncode != 0
    assert _helm("lint", ".", "--set", "config.SECRET_KEY=x").returncode != 0
    chosen = ["--set", "consumers[0].name=orders", "--set", "consumers[0].replicas=0"]
    made = _helm("template", "shop", ".", "--set", "ingress.enabled=true", *chosen)
    objects = [one for one in yaml.safe_load_all(made.stdout) if one]
    pods = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in objects
        if one["kind"] in {"Deployment", "Job"}
    }
    assert set(pods) == {
        f"shop-{name}" for name in ("web", "monitor", "worker", "beat", "prepare", "consumer-orders")
    }
    lines = {name: " ".join(pod["containers"][0]["command"]) for name, pod in pods.items()}
    assert lines["shop-consumer-orders"] == "mqadmin consumer orders --wait --alive /tmp/alive"
    assert lines.pop("shop-prepare") == "sh -c mqadmin migrate --noinput && mqadmin setup_broker"
    del lines["shop-consumer-orders"]
    ours = {_plain(line.partition(" && exec ")[2] or line) for line in lines.values()}
    wanted = {
        line.replace("python manage.py", "mqadmin") for line in _procfile() if "run_supervisor" not in line
    }
    assert {re.sub(r"(--concurrency) \S+", r"\1 4", line) for line in ours} == wanted
    for pod in pods.values():
        context = pod["containers"][0]["securityContext"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert context["readOnlyRootFilesystem"]
        assert context["capabilities"] == {"drop": ["ALL"]}
