"""Addresses below /dead-letters/."""

from __future__ import annotations

from django.urls import path

from mqadmin.deadletters.views import (
    automatic,
    body,
    bulk_edit,
    causes,
    complete,
    discard,
    edit,
    files,
    inbox,
    letter,
    requeue,
    reveal,
    saved,
    tracking,
)
from mqadmin.deadletters.views import map as letters_map

urlpatterns = [
    path("", inbox.letter_list, name="letter_list"),
    path("map/", letters_map.letter_map, name="letter_map"),
    path("views/save/", saved.view_save, name="view_save"),
    path("views/<int:view_id>/delete/", saved.view_delete, name="view_delete"),
    path("complete/", complete.letter_complete, name="letter_complete"),
    path("requeue/", requeue.letter_requeue, name="letter_requeue"),
    path("discard/", discard.letter_discard, name="letter_discard"),
    path("restore/", discard.letter_restore, name="letter_restore"),
    path("queues/many/track/", tracking.queues_track, name="queues_track"),
    path("queues/<int:queue_id>/track/", tracking.queue_track, name="queue_track"),
    path("queues/<int:queue_id>/untrack/", tracking.queue_untrack, name="queue_untrack"),
    path("causes/<slug:group>/", causes.cause_detail, name="cause_detail"),
    path("causes/<slug:group>/history/", causes.cause_history, name="cause_history"),
    path("causes/<slug:group>/owner/", causes.cause_owner, name="cause_owner"),
    path("causes/<slug:group>/note/", causes.cause_note, name="cause_note"),
    path("automatic/", automatic.automatic, name="letters_automatic"),
    path("automatic/rules/", automatic.rule_save, name="rule_save"),
    path("automatic/rules/<int:rule_id>/delete/", automatic.rule_delete, name="rule_delete"),
    path("automatic/breakers/<slug:name>/", automatic.breaker_save, name="breaker_save"),
    path("edit/", bulk_edit.letters_edit, name="letters_edit"),
    path("export/", files.letter_export, name="letter_export"),
    path("import/", files.letter_import, name="letter_import"),
    path("<int:letter_id>/", letter.letter_detail, name="letter_detail"),
    path("<int:letter_id>/reveal/", reveal.letter_reveal, name="letter_reveal"),
    path("<int:letter_id>/edit/", edit.letter_edit, name="letter_edit"),
    path("<int:letter_id>/body/", body.letter_body, name="letter_body"),
    path("<int:letter_id>/revert/", letter.letter_revert, name="letter_revert"),
    path("<int:letter_id>/note/", letter.letter_note, name="letter_note"),
]
