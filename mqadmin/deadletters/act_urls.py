"""Addresses below /dead-letters/ of what is done with many letters at once."""

from __future__ import annotations

from django.urls import path

from mqadmin.deadletters.views import bulk, files

urlpatterns = [
    path("edit/", bulk.letters_edit, name="letters_edit"),
    path("export/", files.letter_export, name="letter_export"),
    path("import/", files.letter_import, name="letter_import"),
]
