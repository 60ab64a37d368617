"""The Markdown that mkdocs is given: pages of `docs/` with their links, and what they link to beside `docs/`.

On a code host a link to `../deploy/systemd` opens that folder. The manual has no code host: what is linked is taken
along, below `source/`, a page for each file and each folder, so that the manual is whole without a network and of
one version.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from markdown.extensions.toc import slugify_unicode

from deploy.tracked import tracked

_LINK = re.compile(r"(\]\()(?!\w+:|#|/)([^)#\s]+)(#[^)\s]*)?(?=[)\s])")
# Of pictures there are two, and each opens at its full size.
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)#\s]+)-light\.webp\)")
_PICTURES = "\n".join(
    f"[![{{0}}]({{1}}-{name}.webp#only-{name})]({{1}}-{name}.webp)" for name in ("light", "dark")
)
_TITLE = re.compile(r"^# .+\n", re.MULTILINE)
_FENCE = re.compile(r"^\s*(```|~~~)")
_LANGUAGES = {
    ".py": "python", ".toml": "toml", ".yml": "yaml", ".yaml": "yaml", ".json": "json", ".html": "html",
    ".service": "ini", ".timer": "ini", ".target": "ini", ".conf": "ini", ".css": "css", ".js": "js",
}  # fmt: skip
SOURCE = "source"


def addressed(text: str, original: str) -> str:
    """Return a page whose headings can be found by the addresses of those of its original as well, one by one."""
    slugs = [slugify_unicode(heading, "-") for heading in map(_heading, _unfenced(original)) if heading]
    lines = list(_unfenced(text))
    for found in [place for place, line in enumerate(lines) if _heading(line)]:
        if slugs:
            mark, heading = lines[found].split(" ", 1)
            lines[found] = f'{mark} <a id="{slugs.pop(0)}"></a>{heading}'
    return "".join(lines)


def _heading(line: str) -> str:
    """Return the text of a heading below the title, "" of another line."""
    return line.lstrip("#").strip().replace("`", "") if line.startswith("##") else ""


def _unfenced(text: str) -> Iterator[str]:
    """Yield the lines of a page, those of a block of code as one, which begins with its fence."""
    block = ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if block:
            block += line
            if mark and mark[1] in block[:12]:
                yield block
                block = ""
        elif mark:
            block = line
        else:
            yield line
    yield block


class Pages:
    """The pages of one manual in `folder`, from the checkout `root`."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        filled: Callable[[str, Path], str] = lambda text, _path: text,
        languages: Collection[str] = (),
    ) -> None:
        """`filled` returns the text of a page with what is read from the code; `languages` are folders of docs."""
        self._root, self._folder, self._filled, self._languages = root, folder, filled, languages
        self._docs = root / "docs"
        self._wanted: dict[Path, str] = {}
        self._tracked = tracked(root)

    def add(self, path: Path, place: str, note: str = "", original: Path | None = None) -> None:
        """Take a file along as `place`: a picture as it is, a page with its links turned to where things are.

        A page says `note` below its title. What it is translated from, `original`, gives its headings addresses
        too: an English page may lead there.
        """
        if path.suffix == ".md":
            text = path.read_text()
            text = self._filled(addressed(text, original.read_text()) if original else text, path)
            if note:
                text = _TITLE.sub(lambda title: f"{title[0]}\n> {note}\n", text, count=1)
            self.write(place, text, path)
        else:
            target = self._folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())

    def write(self, place: str, text: str, origin: Path) -> None:
        """Write a page whose links are relative to `origin`, a path in the checkout."""
        target = self._folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join(self._turned(text, origin, place)))

    def add_linked(self) -> None:
        """Take along what pages link to, and what that links to."""
        done: set[Path] = set()
        while left := [path for path in self._wanted if path not in done]:
            for path in left:
                done.add(path)
                self._add_source(path, self._wanted[path])

    def _turned(self, text: str, origin: Path, place: str) -> Iterator[str]:
        fence = ""
        for line in text.splitlines(keepends=True):
            mark = _FENCE.match(line)
            if mark and fence in ("", mark[1]):
                fence = "" if fence else mark[1]
            if fence or mark:
                yield line
            else:
                turned = _LINK.sub(lambda found: self._link(found, origin, place), line)
                yield _PICTURE.sub(lambda found: _PICTURES.format(found[1], found[2]), turned)

    def _link(self, found: re.Match[str], origin: Path, place: str) -> str:
        target = Path(os.path.normpath(origin.parent / unquote(found[2])))
        if not target.exists() or not target.is_relative_to(self._root):
            return found[0]  # mkdocs says so
        to = self._place(target)
        way = os.path.relpath(to, PurePosixPath(place).parent)
        return f"{found[1]}{way}{found[3] or ''}"

    def _place(self, path: Path) -> str:
        """Return where a file or folder of the checkout is among the pages; what is not in docs is taken along.

        A page in any language is where the English one is: a manual has pages of one language.
        """
        if path.is_relative_to(self._docs):
            parts = path.relative_to(self._docs).parts
            if parts and parts[0] in self._languages:
                parts = parts[1:]
            inside = "/".join(parts)
            return f"{inside}/README.md" if path.is_dir() else inside
        inside = path.relative_to(self._root).as_posix()
        place = f"{SOURCE}/{inside}"
        if path.is_dir():
            place += "/index.md"
        elif path.suffix != ".md":
            place += ".md"
        elif path.name == "README.md" and path.parent == self._root:
            place = f"{SOURCE}/readme.md"  # README alone would be the folder's index
        self._wanted.setdefault(path, place)
        return place

    def _add_source(self, path: Path, place: str) -> None:
        if path.suffix == ".md":
            self.write(place, path.read_text(), path)
            return
        name = path.relative_to(self._root).as_posix()
        head = f"---\nsearch:\n  exclude: true\n---\n\n# {name}\n\n"
        if path.is_dir():
            files = [item.relative_to(name) for item in self._tracked if item.is_relative_to(name)]
            self.write(place, head + "".join(f"- [{file}]({file})\n" for file in files), path / "index.md")
            return
        kind = _LANGUAGES.get(path.suffix, "dockerfile" if path.name == "Dockerfile" else "text")
        body = path.read_text(errors="replace").rstrip("\n")
        self.write(place, f"{head}~~~~~~ {kind}\n{body}\n~~~~~~\n", path)
