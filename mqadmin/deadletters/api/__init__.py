"""The API's calls for dead letters."""

from __future__ import annotations

from ninja import Router

from mqadmin.deadletters.api import (
    automatic,
    bulk_edit,
    causes,
    discard,
    files,
    letters,
    requeue,
    saved,
    tracking,
)

router = Router()
for part in (letters, causes, requeue, discard, bulk_edit, files, saved, tracking, automatic):
    router.add_router("", part.router)
