"""Addresses below /dead-letters/."""

from __future__ import annotations

from django.urls import path

from mqadmin.deadletters.views import acts, automatic, body, bulk, edit, editor, files, inbox, reveal, search
from mqadmin.deadletters.views import map as letters_map

urlpatterns = [
    path("", inbox.letter_list, name="letter_list"),
    path("map/", letters_map.letter_map, name="letter_map"),
    path("views/save/", search.view_save, name="view_save"),
    path("views/<int:view_id>/delete/", search.view_delete, name="view_delete"),
    path("complete/", search.letter_complete, name="letter_complete"),
    path("requeue/", acts.letter_requeue, name="letter_requeue"),
    path("discard/", acts.letter_discard, name="letter_discard"),
    path("restore/", acts.letter_restore, name="letter_restore"),
    path("queues/<int:queue_id>/track/", acts.queue_track, name="queue_track"),
    path("queues/<int:queue_id>/untrack/", acts.queue_untrack, name="queue_untrack"),
    path("causes/<slug:group>/owner/", edit.cause_owner, name="cause_owner"),
    path("causes/<slug:group>/note/", edit.cause_note, name="cause_note"),
    path("automatic/", automatic.automatic, name="letters_automatic"),
    path("automatic/rules/", automatic.rule_save, name="rule_save"),
    path("automatic/rules/<int:rule_id>/delete/", automatic.rule_delete, name="rule_delete"),
    path("automatic/breakers/<slug:name>/", automatic.breaker_save, name="breaker_save"),
    path("edit/", bulk.letters_edit, name="letters_edit"),
    path("export/", files.letter_export, name="letter_export"),
    path("import/", files.letter_import, name="letter_import"),
    path("<int:letter_id>/", inbox.letter_detail, name="letter_detail"),
    path("<int:letter_id>/reveal/", reveal.letter_reveal, name="letter_reveal"),
    path("<int:letter_id>/edit/", editor.letter_edit, name="letter_edit"),
    path("<int:letter_id>/body/", body.letter_body, name="letter_body"),
    path("<int:letter_id>/revert/", edit.letter_revert, name="letter_revert"),
    path("<int:letter_id>/note/", edit.letter_note, name="letter_note"),
]
