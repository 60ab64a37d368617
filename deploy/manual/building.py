"""Every language of the manual: its pages gathered in a folder, then made HTML by mkdocs.

`mkdocs.yml` is the English one. Another language, by Django's name of it (zh-hans), is a file `mkdocs.LANGUAGE.yml`
beside it (`INHERIT: mkdocs.yml`) and a folder `docs/LANGUAGE`, whose pages take the place of those of the same
name; what is not there stays English, and says so.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from django.core.management import call_command
from django.utils import translation
from mkdocs.commands import build as mkdocs_build
from mkdocs.config import load_config

from deploy import ROOT
from deploy.manual import reference, segments
from deploy.manual.staging import Pages
from deploy.manual.words import said

ENGLISH = "en"


def build(folder: Path, scratch: Path, root: Path = ROOT) -> None:
    """Build all that `root` has, English into `folder`, others into folders in it. Raises mkdocs' Abort.

    Django is set up before.
    """
    call_command("migrate", verbosity=0)  # an empty database: metrics and buttons are read from one
    segments.install()
    shutil.rmtree(folder, ignore_errors=True)
    for language in languages(root):
        with translation.override(language):
            pages = scratch / "pages" / language
            gather(pages, language, root)
        named = "mkdocs.yml" if language == ENGLISH else f"mkdocs.{language}.yml"
        site = folder if language == ENGLISH else folder / language
        config = load_config(str(root / named), docs_dir=str(pages), site_dir=str(site), strict=True)
        config.plugins.on_startup(command="build", dirty=False)
        mkdocs_build.build(config)


def languages(root: Path = ROOT) -> list[str]:
    """Return the languages there are, English first: it is built before what lies in it."""
    return [ENGLISH, *sorted(path.name.split(".")[1] for path in root.glob("mkdocs.*.yml"))]


def gather(folder: Path, language: str = ENGLISH, root: Path = ROOT) -> None:
    """Write the Markdown of one language into `folder`: docs, what they link to, and what is read from the code."""
    others = [name for name in languages(root) if name != ENGLISH]
    pages = Pages(
        root, folder, filled=lambda text, path: reference.filled(text, path, root), languages=others
    )
    for path in sorted((root / "docs").rglob("*")):
        inside = path.relative_to(root / "docs")
        if path.is_file() and inside.parts[0] not in others:
            own = root / "docs" / language / inside
            if language == ENGLISH:
                pages.add(path, inside.as_posix())
            elif own.is_file():
                pages.add(own, inside.as_posix(), original=path)
            else:
                pages.add(path, inside.as_posix(), said("This page is in English only."))
    pages.add(root / "static" / "favicon.svg", "assets/favicon.svg")
    pages.add_linked()
