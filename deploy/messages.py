"""`make messages`: what is shown to people, gathered from the code into the catalogues of `locale`, and compiled.

A catalogue a part (`locale/queues/zh_Hans/LC_MESSAGES/django.po`), so that several people translate at once; what
two parts say is in `common`. Needs Babel and no GNU gettext. See docs/i18n.md.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from deploy import message_sources
from deploy.message_sources import ROOT, Found

LOCALE = ROOT / "locale"
COMMON = "common"
_FILE = Path("LC_MESSAGES") / "django.po"
_HEADER = (
    "# mqadmin: what is shown to people. Gathered by `make messages`; docs/i18n.md has the words to use."
)
Key = tuple[str, str]
"""How a catalogue finds a message: its context and its text."""


def languages() -> list[str]:
    """Return the folders of languages that have a catalogue, as Django writes them: `zh_Hans`."""
    return sorted({path.parent.parent.name for path in LOCALE.glob(f"*/*/{_FILE}")})


def part(where: Iterable[str]) -> str:
    """Return whose catalogue has a message that these files say: what several say is said in common."""
    parts = {_part(Path(path).parts) for path in where}
    return parts.pop() if len(parts) == 1 else COMMON


def _part(path: tuple[str, ...]) -> str:
    if path[0] == "consumers":
        return "processes" if path[1] in _PROCESSES else "consumers"
    if len(path) < 3:  # templates/base.html, mqadmin/settings.py
        return "core"
    if path[1] in ("registration", "agents"):
        return "core"
    if path[1] == "queues" and path[0] == "mqadmin" and path[2] in ("health", "monitor", "why"):
        return "verdicts"
    if path[1] == "administration":
        return _ADMINISTRATION.get(path[2].removesuffix(".html").strip("_").split("_")[0], "administration")
    return path[1]


_PROCESSES = ("runtime", "supervisor", "process", "handlers", "scaling", "files", "demo")
# The largest part, in four of about one size.
_ADMINISTRATION = {
    **dict.fromkeys(("nodes", "members", "upkeep", "flags", "converting", "queues"), "cluster"),
    **dict.fromkeys(("vhosts", "users", "permissions", "limits", "policies", "parameters"), "rights"),
    **dict.fromkeys(("exchanges", "bindings", "publishing", "shovels", "federation"), "routes"),
}


def wanted() -> dict[str, dict[Key, Found]]:
    """Return what the code says, by part: what the catalogues must have, no more and no less."""
    every: dict[Key, Found] = {}
    for found in message_sources.every():
        known = every.get(found.key)
        every[found.key] = found if known is None else known.joined(found)
    parts: dict[str, dict[Key, Found]] = defaultdict(dict)
    for key, found in sorted(
        every.items(), key=lambda item: (sorted(item[1].files)[0], item[0][1], item[0][0])
    ):
        parts[part(found.files)][key] = found
    return parts


def catalogues(language: str) -> Iterator[tuple[str, Path, Catalog]]:
    """Return name, path and content of each catalogue of a language."""
    for path in sorted(LOCALE.glob(f"*/{language}/{_FILE}")):
        with path.open("rb") as file:
            yield path.parts[-4], path, read_po(file, locale=language)


def messages(catalogue: Catalog) -> list[Message]:
    """Return what a catalogue has, without its header."""
    return [message for message in catalogue if message.id]


def key(message: Message) -> Key:
    """Return what a message of a catalogue is known by."""
    return (message.context or "", message.id if isinstance(message.id, str) else message.id[0])


def is_missing(message: Message) -> bool:
    """Whether a message has no translation yet."""
    return not all(strings(message))


def strings(message: Message) -> tuple[str, ...]:
    """Return the forms of a translation: one, or one for each plural of the language."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def merged(language: str, parts: dict[str, dict[Key, Found]]) -> dict[str, Catalog]:
    """Return the catalogues that a language is to have: those of now, with the translations that there are."""
    known = {
        key(message): message
        for _name, _path, catalogue in catalogues(language)
        for message in messages(catalogue)
        if not is_missing(message)
    }
    made = {}
    for name, wanted_here in parts.items():
        catalogue = Catalog(locale=language, header_comment=_HEADER, fuzzy=False)
        for wanted_key, found in wanted_here.items():
            old = known.get(wanted_key)
            strings = _strings(found, old, catalogue.num_plurals)
            catalogue.add(
                found.id,
                strings,
                locations=[(file, 0) for file in sorted(found.files)],
                flags=found.flags,
                auto_comments=sorted(found.comments),
                user_comments=old.user_comments if old else (),
                context=found.context or None,
            )
        made[name] = catalogue
    return made


def _strings(found: Found, old: Message | None, forms: int) -> str | tuple[str, ...]:
    """Return the translation that is kept; of a message that got or lost its plural, in the form it has now."""
    kept: tuple[str, ...] = ()
    if old is not None:
        kept = strings(old)
    if isinstance(found.id, str):
        return kept[-1] if kept else ""
    return kept if len(kept) == forms else (kept * forms)[:forms] or ("",) * forms


def write(language: str, made: dict[str, Catalog]) -> None:
    """Write the catalogues of a language, and compile them; those of parts that are no more go."""
    for name, catalogue in made.items():
        path = LOCALE / name / language / _FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(text(catalogue))
    for name, path, _catalogue in list(catalogues(language)):
        if name not in made:
            path.unlink()
            path.with_suffix(".mo").unlink(missing_ok=True)
            for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
                if not any(folder.iterdir()):
                    folder.rmdir()
    compile_all(language)


def text(catalogue: Catalog) -> bytes:
    """Return a catalogue as a file: without dates and numbers of lines, which would change with each change."""
    body = BytesIO()
    write_po(body, catalogue, width=110, omit_header=True, include_lineno=False)
    head = (
        f'{_HEADER}\nmsgid ""\nmsgstr ""\n"Language: {catalogue.locale}\\n"\n'
        '"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Content-Transfer-Encoding: 8bit\\n"\n"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
    )
    return head.encode() + body.getvalue().strip() + b"\n"


def compiled(catalogue: Catalog) -> bytes:
    """Return what Django reads of a catalogue: GNU's format, the same bytes for the same messages."""
    # By its plural a sentence that was stored is known again, which gettext does not keep.
    texts: dict[str, str] = {}
    said: dict[str, str] = {}
    for message in messages(catalogue):
        if is_missing(message) or message.fuzzy:
            continue
        before = f"{message.context}\x04" if message.context else ""
        if isinstance(message.id, str):
            said[before + message.id] = str(message.string)
        else:
            said[before + "\0".join(message.id)] = "\0".join(strings(message))
            texts.setdefault(before + message.id[1], strings(message)[-1])
    said = texts | said
    said[""] = f"Content-Type: text/plain; charset=utf-8\nPlural-Forms: {catalogue.plural_forms}\n"
    pairs = sorted((one.encode(), other.encode()) for one, other in said.items())
    count, head = len(pairs), 28
    index, body, at = b"", b"", head + 16 * count
    for column in range(2):
        for pair in pairs:
            index += struct.pack("<II", len(pair[column]), at + len(body))
            body += pair[column] + b"\0"
    return (
        struct.pack("<7I", 0x950412DE, 0, count, head, head + 8 * count, 0, head + 16 * count) + index + body
    )


def compile_all(language: str) -> None:
    """Write what Django reads, beside each catalogue of a language."""
    for _name, path, catalogue in catalogues(language):
        path.with_suffix(".mo").write_bytes(compiled(catalogue))


def main() -> int:
    """Gather, merge, compile, and say how many are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compile", action="store_true", help="only compile what is translated")
    parser.add_argument("--add", metavar="LANGUAGE", default="", help="begin a language, for example pt_BR")
    given = parser.parse_args()
    os.chdir(ROOT)
    names = sorted({*languages(), *filter(None, [given.add])})
    parts = {} if given.compile else wanted()
    for language in names:
        if given.compile:
            compile_all(language)
        else:
            write(language, merged(language, parts))
        missing = 0
        for name, _path, catalogue in catalogues(language):
            every = messages(catalogue)
            here = sum(map(is_missing, every))
            missing += here
            print(f"{language}  {name:16} {len(every):5} messages, {here:5} to translate")
        print(f"{language}: {missing} to translate")
    return 0


if __name__ == "__main__":
    sys.exit(main())
