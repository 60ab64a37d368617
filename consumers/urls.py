"""Addresses below /consumers/. A consumer's name is a slug, so the fixed words come first."""

from __future__ import annotations

from django.urls import path

from consumers.views import actions, detail, edit, filling, hosts, listing, mass, processes, records, trying

urlpatterns = [
    path("", listing.consumer_list, name="consumer_list"),
    path("new/", edit.consumer_new, name="consumer_new"),
    path("new/deadline/", filling.consumer_deadline, name="consumer_deadline"),
    path("new/summary/", filling.consumer_summary, name="consumer_summary"),
    path("new/fill/", filling.consumer_fill, name="consumer_fill"),
    path("new/queues/", filling.consumer_offers, {"kind": "queue"}, name="consumer_queues"),
    path("new/vhosts/", filling.consumer_offers, {"kind": "vhost"}, name="consumer_vhosts"),
    path("stop-all/", mass.consumer_stop_all, name="consumer_stop_all"),
    path("start-all/", mass.consumer_start_all, name="consumer_start_all"),
    path("hosts/", hosts.host_list, name="host_list"),
    path("hosts/<str:name>/drain/", hosts.host_drain, name="host_drain"),
    path("hosts/<str:name>/undrain/", hosts.host_undrain, name="host_undrain"),
    path("hosts/<str:name>/forget/", hosts.host_forget, name="host_forget"),
    path("records/<int:pk>/", records.record_detail, name="record_detail"),
    path("records/<int:pk>/requeue/", records.record_requeue, name="record_requeue"),
    path("processes/<int:pk>/output/", processes.process_output, name="process_output"),
    path("processes/<int:pk>/output/download/", processes.process_download, name="process_download"),
    path("processes/<int:pk>/start/", processes.process_start, name="process_start"),
    path("processes/<int:pk>/restart/", processes.process_restart, name="process_restart"),
    path("processes/<int:pk>/kill/", processes.process_kill, name="process_kill"),
    path("<slug:name>/", detail.consumer_detail, name="consumer_detail"),
    path("<slug:name>/history/", detail.consumer_history, name="consumer_history"),
    path("<slug:name>/scaling/", detail.consumer_scaling, name="consumer_scaling"),
    path("<slug:name>/records/", records.record_list, name="record_list"),
    path("<slug:name>/try/", trying.consumer_try, name="consumer_try"),
    path("<slug:name>/edit/", edit.consumer_edit, name="consumer_edit"),
    path("<slug:name>/duplicate/", edit.consumer_duplicate, name="consumer_duplicate"),
    path("<slug:name>/delete/", actions.consumer_delete, name="consumer_delete"),
    path("<slug:name>/scale/", actions.consumer_scale, name="consumer_scale"),
    path("<slug:name>/start/", actions.consumer_start, name="consumer_start"),
    path("<slug:name>/stop/", actions.consumer_stop, name="consumer_stop"),
    path("<slug:name>/pause/", actions.consumer_pause, name="consumer_pause"),
    path("<slug:name>/resume/", actions.consumer_resume, name="consumer_resume"),
    path("<slug:name>/restart/", actions.consumer_restart, name="consumer_restart"),
    path("<slug:name>/redeliver/", actions.consumer_redeliver, name="consumer_redeliver"),
    path("<slug:name>/kill/", actions.consumer_kill, name="consumer_kill"),
]
