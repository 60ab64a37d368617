"""Addresses below /dead-letters/ of what is done with many letters at once."""

from __future__ import annotations

from django.urls import path

from mqadmin.deadletters.views import automatic, bulk, files

urlpatterns = [
    path("automatic/", automatic.automatic, name="letters_automatic"),
    path("automatic/rules/", automatic.rule_save, name="rule_save"),
    path("automatic/rules/<int:rule_id>/delete/", automatic.rule_delete, name="rule_delete"),
    path("automatic/breakers/<slug:name>/", automatic.breaker_save, name="breaker_save"),
    path("edit/", bulk.letters_edit, name="letters_edit"),
    path("export/", files.letter_export, name="letter_export"),
    path("import/", files.letter_import, name="letter_import"),
]
