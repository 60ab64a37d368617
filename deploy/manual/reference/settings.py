"""The variables: which the code reads, found in it; what they mean, from the tables that are written in `docs/`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.manual.words import said

OURS = re.compile(r"(?:MQADMIN|RABBITMQ|BROKER|WEB)_[A-Z0-9_]*[A-Z0-9]")
# Others' names that are read here.
OTHERS = frozenset(
    [
        "DATABASE_URL",
        "SECRET_KEY",
        "CELERY_BROKER_URL",
        "REQUESTS_CA_BUNDLE",
        "SCRIPT_NAME",
        "TZ",
        "PORT",
        "HOST",
        "DEMO",
        "PYTHON",
    ]
)
_ANY = re.compile(rf'"(?:{OURS.pattern}|{"|".join(sorted(OTHERS))})"')
# Read or set by mqadmin for itself, by a process it starts or by the tests: nobody sets these.
INSIDE = frozenset(
    [
        "BENCHMARKS",
        "BIND",
        "MQADMIN_OPERATION_LEASE_SECONDS",
        "MQADMIN_NODE",
        "MQADMIN_PROCESS",
        "MQADMIN_SERVING",
        "MQADMIN_PICK_SHARE",
        "MQADMIN_RUN",
        "MQADMIN_FLAKY",
        "MQADMIN_SOAK",
    ]
)
# A family: any name that begins so.
FAMILIES = ("MQADMIN_ALERT_", "OTEL_", "WEBHOOK_")
_CALLS = {
    "flag",
    "words",
    "number",
    "one_of",
    "origins",
    "pairs",
    "there",
    "address",
    "zone",
    "get",
    "getenv",
    "pop",
}
_OF_DOCKER_AND_NODE = ("local/docker.py", "local/node.py")  # what they set is RabbitMQ's own
_ROW = re.compile(r"^\|(.+)\|\s*$")
_NAMES = re.compile(r"`([A-Z][A-Z0-9_]+)(?:…)?`")
_HEADING = re.compile(r"^(#+) (.+)$")
NOT_TO_RUN = ("Tests",)  # headings whose variables are for who changes mqadmin


@dataclass(frozen=True)
class Told:
    """What a table of `docs/` says of a variable. `page`, `heading`: where."""

    name: str
    default: str
    meaning: str
    page: str
    heading: str


def all_settings(root: Path, docs: str = "..") -> str:
    """Return all of them, for a page from which `docs` leads to docs.

    Raises LookupError for a variable that is read and told nowhere.
    """
    known, used = told(root), read(root)
    if silent := sorted(used.keys() - known.keys()):
        raise LookupError(f"docs/configuration.md does not tell of {', '.join(silent)}")
    found = [item for _name, item in sorted(known.items()) if item.heading not in NOT_TO_RUN]
    return "\n".join(_entry(item, docs) for item in found)


def _entry(item: Told, docs: str) -> str:
    """Return a variable under a heading of its own, which the search finds."""
    name = f"{item.name}…" if item.name in FAMILIES else item.name
    lines = [f"#### `{name}` {{#{item.name.lower().strip('_')}}}", "", _meaning(item, docs)]
    default = said("Default: {default}. ").format(default=item.default) if item.default else ""
    more = said("More: [{heading}]({link})").format(heading=item.heading, link=_link(item, docs))
    lines += ["", default + more]
    return "\n".join(lines) + "\n"


def read(root: Path) -> dict[str, set[str]]:
    """Return the variables that a person may set and that the code reads: name -> files that name it."""
    found: dict[str, set[str]] = {}
    for folder in ("mqadmin", "consumers"):
        for path in sorted((root / folder).rglob("*.py")):
            where = path.relative_to(root).as_posix()
            for name in _named(path):
                is_theirs = name.startswith("RABBITMQ_") and where.endswith(_OF_DOCKER_AND_NODE)
                if name not in INSIDE and not is_theirs:
                    found.setdefault(name, set()).add(where)
    for file, pattern in (("Procfile", r"\$\{?(\w+)"), ("Makefile", r"(?m)^(\w+) \?=")):
        for name in re.findall(pattern, (root / file).read_text()):
            if name not in INSIDE:
                found.setdefault(name, set()).add(file)
    for key in ("ENVIRONMENT", "CA_FILE", "CERT_FILE", "KEY_FILE", "MANAGEMENT_URL"):
        if f'"{key.lower()}"' in (root / "mqadmin/rabbit/config.py").read_text():  # read as RABBITMQ_{key}
            found.setdefault(f"RABBITMQ_{key}", set()).add("mqadmin/rabbit/config.py")
    return found


def _named(path: Path) -> Iterator[str]:
    """Yield variables whose names stand in a module as a text of its own: in a call, an index, a table."""
    source = path.read_text()
    if not _ANY.search(source):  # most modules: parsing all takes seconds
        return
    for node in ast.walk(ast.parse(source)):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and (OURS.fullmatch(text) or text in OTHERS):
            yield text


def told(root: Path) -> dict[str, Told]:
    """Return what the tables say: name -> Told."""
    found: dict[str, Told] = {}
    first = root / "docs" / "configuration.md"
    for path in (first, *sorted((root / "docs").glob("*.md"))):
        for item in _rows(path):
            found.setdefault(item.name, item)
    return found


def _rows(path: Path) -> Iterator[Told]:
    """Yield the variables of each table whose first column is called so."""
    heading = ""
    columns: list[str] = []
    for line in path.read_text().splitlines():
        if match := _HEADING.match(line):
            heading = match[2].replace("`", "")
        row = _ROW.match(line)
        if row is None:
            columns = []
            continue
        cells = [item.strip() for item in re.split(r"(?<!\\)\|", row[1])]
        if not columns:
            columns = cells
        if columns[0] != "variable" or cells[0].startswith(("variable", "-")):
            continue
        says = dict(zip(columns, cells, strict=False))
        names = _NAMES.findall(cells[0])
        defaults = [part.strip() for part in says.get("default", "").split(",")]
        for place, name in enumerate(names):
            alike = len(names) == len(defaults)
            default = defaults[place] if alike else says.get("default", "")
            yield Told(name, default, says.get("meaning", ""), path.name, heading)


def _meaning(item: Told, docs: str) -> str:
    """Return the words with their links, which are relative to `docs/`, as from where `docs` leads there."""
    text = re.sub(r"\]\((?=#)", f"]({item.page}", item.meaning)
    text = re.sub(r"\]\((?!\w+:)", f"]({docs}/", text)
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _link(item: Told, docs: str) -> str:
    anchor = re.sub(r"[^\w\s-]", "", item.heading.lower()).strip().replace(" ", "-")
    return f"{docs}/{item.page}#{anchor}"
