"""What is served: complete, from this host only, and with every icon that a template names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

STATIC = settings.BASE_DIR / "static"
SPRITE = (STATIC / "vendor/tabler-icons/icons.svg").read_text()


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    known = set(re.findall(r'<symbol id="([^"]+)"', SPRITE))
    named = set()
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        text = path.read_text()
        named |= set(re.findall(r'\{%\s*icon "([^"]+)"', text)) | set(re.findall(r'\sicon="([^"]+)"', text))
    assert len(named) > 15
    assert named - known == set()


@pytest.mark.parametrize(
    "path", sorted(STATIC.rglob("*.css")) + sorted(STATIC.rglob("*.js")), ids=lambda p: p.name
)
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    text = path.read_text()
    assert "sourceMappingURL" not in text
    assert not re.findall(r"@import|url\(['\"]?(?:https?:)?//", text)


def test_every_vendored_folder_has_its_licence_and_its_line() -> None:
    listed = (STATIC / "vendor/README.md").read_text()
    for folder in (STATIC / "vendor").iterdir():
        if folder.is_dir():
            assert (folder / "LICENSE").is_file(), folder.name
            assert f"`{folder.name}/`" in listed


def test_collecting_with_hashed_names_succeeds(tmp_path: Path) -> None:
    hashed = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    with override_settings(STATIC_ROOT=tmp_path, STORAGES={**settings.STORAGES, "staticfiles": hashed}):
        call_command("collectstatic", interactive=False, verbosity=0)
    assert (tmp_path / "staticfiles.json").is_file()
    css = next(tmp_path.glob("css/mqadmin.*.css")).read_text()
    assert re.search(r"inter-latin-wght-normal\.[0-9a-f]{12}\.woff2", css)
