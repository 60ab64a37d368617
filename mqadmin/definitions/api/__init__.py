"""The API's calls for definitions."""

from __future__ import annotations

from ninja import Router

from mqadmin.definitions.api import files, versions

router = Router()
router.add_router("", versions.router)
router.add_router("", files.router)
