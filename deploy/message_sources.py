"""Where the code says something to people: marked by gettext, in templates, and in rooms that know no Django.

Django's own `templatize` reads templates, Babel reads Python. What knows no Django marks nothing: each text of two
words or more in it, also with values in it (`f"Process {pid} ended"`), is one that may be shown (ADR 59).
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.extract import extract
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
# How each marker is called: the places of its context, its text, its plural.
_MARKERS: dict[str, tuple[int | None, int, int | None]] = {
    **dict.fromkeys(("_", "_lazy", "_now", "gettext", "gettext_lazy", "gettext_noop"), (None, 0, None)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (None, 0, 1)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (0, 1, None)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (0, 1, 2)),
    "_messages": (None, 1, 2),  # of mqadmin.queues.pages.sentences
}
_KEYWORDS = {
    "_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
_MARKED = re.compile(r"gettext|translating import")
_PERCENT = re.compile(r"%(\(\w+\))?[-+ 0#]*\d*(\.\d+)?[sdifgr]")
# Django looks for a value of this name in the context, and writes nothing where there is none.
_FILTERED = re.compile(r"%\(\w*[^\w)][^)]*\)s")
_BRACES = re.compile(r"\{\w*\}")


@dataclass
class Found:
    """A message: its text (or singular and plural), context, the files that say it, notes for translators."""

    id: str | tuple[str, str]
    context: str = ""
    files: set[str] = field(default_factory=set)
    comments: set[str] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, str]:
        """What catalogues know it by."""
        return (self.context, self.id if isinstance(self.id, str) else self.id[0])

    @property
    def flags(self) -> tuple[str, ...]:
        """How its values are written, for the tools of translators."""
        text = self.id if isinstance(self.id, str) else self.id[1]
        if _PERCENT.search(text):
            return ("python-format",)
        return ("python-brace-format",) if _BRACES.search(text) else ()

    def joined(self, other: Found) -> Found:
        """Return both as one; who says it with a plural decides."""
        longer = self.id if isinstance(self.id, tuple) else other.id
        return Found(longer, self.context, self.files | other.files, self.comments | other.comments)


def every() -> Iterator[Found]:
    """Return what each file says, file by file."""
    for folder in ("mqadmin", "consumers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            where = str(path.relative_to(ROOT))
            if "/migrations/" in where or "__pycache__" in where:
                continue
            text = path.read_text()
            if _MARKED.search(text):
                yield from marked(text, where)
            if where.startswith(UNMARKED) and not where.startswith(SILENT):
                yield from unmarked(text, where)
    for path in sorted((ROOT / "templates").rglob("*.*")):
        if path.suffix in (".html", ".txt"):
            where = str(path.relative_to(ROOT))
            yield from of_template(path.read_text(), where)


def _as_python(text: str) -> str:
    """Return what `templatize` made for xgettext as lines that Python's tokenizer takes."""
    return "\n".join(map(str.strip, text.split("\n")))


def of_template(text: str, where: str) -> Iterator[Found]:
    """Return what a template says. Raises ValueError where a value would stay empty."""
    text = _as_python(templatize(text, origin=where))
    for _line, message, _comments, context in extract("python", io.BytesIO(text.encode()), _KEYWORDS):
        said = message if isinstance(message, str) else (message[0], message[1])
        if wrong := _FILTERED.search(str(said)):
            raise ValueError(f"{where}: {wrong[0]} stays empty in blocktranslate: filter it in its `with`")
        if said and said != ("", ""):
            yield Found(said, context or "", {where})


def marked(text: str, where: str) -> Iterator[Found]:
    """Return what a module gives to gettext, wherever that is: in the values of an f-string too.

    Raises ValueError where it is given anything but a text that stands there.
    """
    for node in ast.walk(ast.parse(text)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MARKERS):
            continue
        context, one, other = _MARKERS[node.func.id]
        wanted = [place for place in (context, one, other) if place is not None]
        if len(node.args) <= max(wanted):
            continue  # another function of this name
        given = {place: node.args[place] for place in wanted}
        texts = {place: str(item.value) for place, item in given.items() if isinstance(item, ast.Constant)}
        if len(texts) < len(given):
            if where in WRAPPERS:
                continue
            raise ValueError(f"{where}:{node.lineno}: no text can be gathered from {ast.unparse(node)}")
        said = texts[one] if other is None else (texts[one], texts[other])
        yield Found(said, texts[context] if context is not None else "", {where})


# What hands on to gettext what others give it, or has functions of the same names.
WRAPPERS = {
    "mqadmin/core/translating.py", "mqadmin/queues/pages/sentences.py", "mqadmin/administration/limits/acts.py",
}  # fmt: skip


# --- What knows no Django, or words what is stored ----------------------------------------------------------

UNMARKED = (
    "mqadmin/rabbit/",
    "consumers/runtime/",
    "consumers/supervisor/",
    "consumers/process/",
    "consumers/handlers/",
    "consumers/scaling/placement.py",
    "consumers/scaling/schedule.py",
    "mqadmin/alerts/rules/built_in.py",
    "mqadmin/core/access/telling.py",
    "mqadmin/core/access/upkeep.py",
    "mqadmin/core/database.py",
    "mqadmin/core/schemas.py",
    "mqadmin/core/unseen.py",
    "mqadmin/deadletters/letter/jsonspans.py",
    "mqadmin/deadletters/acts/import_line.py",
    "mqadmin/definitions/keeping/asking.py",
    "mqadmin/passing/tapping/",
)
"""Rooms whose sentences are stored, or come out as errors: in English, worded anew where they are shown."""
SILENT = ("mqadmin/rabbit/headers.py",)
_SENTENCE = re.compile(r"[A-Za-z’']{2,}[,:;.)”]* \W*[A-Za-z]{2,}")
_PROGRAM = re.compile(
    r"^\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|WITH|DROP|ALTER|LOCK|COPY|BEGIN|ON CONFLICT|WHERE|SET)\b"
    r"|\(\?P?|\\[dws.]"
)
_LOGS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
_MATCHES = {
    "compile", "search", "match", "fullmatch", "sub", "startswith", "endswith", "replace", "partition",
    "rpartition", "removeprefix", "removesuffix", "split", "add_argument", "getLogger", "filterwarnings",
}  # fmt: skip


def unmarked(text: str, where: str) -> Iterator[Found]:
    """Return each text of a module that people could be shown."""
    for said in sorted(set(_texts(ast.parse(text)))):
        yield Found(said, "", {where})


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        if _is_sentence(said := _template(node)):
            yield said
        for value in node.values:  # `{'it' if x else 'that too'}`
            if isinstance(value, ast.FormattedValue):
                yield from _texts(value.value)
        return
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str) and _is_sentence(node.value):
            yield node.value
        return
    for name, child in ast.iter_fields(node):
        for item in child if isinstance(child, list) else [child]:
            if isinstance(item, ast.AST) and not _is_other(node, name, item):
                yield from _texts(item)


def _is_sentence(text: str) -> bool:
    return bool(_SENTENCE.search(text)) and not _PROGRAM.search(text)


def _is_other(parent: ast.AST, name: str, node: ast.AST) -> bool:
    """Whether a text here is none that is shown: a docstring, a line of a log, what is compared or looked for."""
    if isinstance(parent, ast.Expr) and isinstance(node, ast.Constant):
        return True
    if isinstance(parent, ast.Compare | ast.arg | ast.AnnAssign | ast.FunctionDef) and name in (
        "left", "comparators", "annotation", "returns", "decorator_list"
    ):  # fmt: skip
        return True
    if isinstance(parent, ast.Subscript) and name == "slice":
        return True
    if isinstance(parent, ast.Call) and name in ("args", "keywords"):
        called = parent.func
        if isinstance(called, ast.Attribute):
            owner = (
                called.value.id if isinstance(called.value, ast.Name) else getattr(called.value, "attr", "")
            )
            is_log = called.attr in _LOGS and owner.lstrip("_").lower() in ("log", "logger", "logging")
            return is_log or called.attr in _MATCHES or called.attr in ("execute", "executemany")
        return isinstance(called, ast.Name) and called.id in (
            "getattr",
            "print",
            "cast",
            "TypeVar",
            "AssertionError",
        )
    return isinstance(parent, ast.Assert)


def _template(node: ast.JoinedStr) -> str:
    """Return an f-string as a message: its values by the last name in each of them."""
    text, names = "", set[str]()
    for value in node.values:
        if isinstance(value, ast.Constant):
            text += str(value.value)
        elif isinstance(value, ast.FormattedValue):
            name = base = _name(value.value)
            number = 2
            while name in names:
                name, number = f"{base}{number}", number + 1
            names.add(name)
            text += f"{{{name}}}"
    return text


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_").lower()
        case ast.Call(
            func=ast.Name(id="len" | "str" | "round" | "max" | "min" | "repr" | "sentence"), args=[*_, inner]
        ):
            return _name(inner)
        case ast.Call(func=func):
            return _name(func)
        case ast.Subscript(slice=ast.Constant(value=str(name))) if name.isidentifier():
            return name
        case (
            ast.Subscript(value=inner)
            | ast.BinOp(left=inner)
            | ast.BoolOp(values=[inner, *_])
            | ast.IfExp(body=inner)
        ):
            return _name(inner)
    return "value"
