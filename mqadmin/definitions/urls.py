"""Addresses below /definitions/."""

from __future__ import annotations

from django.urls import path

from mqadmin.definitions.views import files, restore, versions

urlpatterns = [
    path("", versions.version_list, name="definitions_list"),
    path("look/", versions.version_look, name="definitions_look"),
    path("compare/", versions.version_compare, name="definitions_compare"),
    path("export/", files.definitions_export, name="definitions_export"),
    path("download/", files.definitions_download, name="definitions_download"),
    path("download/all/", files.definitions_download_all, name="definitions_download_all"),
    path("import/", files.definitions_import, name="definitions_import"),
    path("restores/<int:restore_id>/", restore.definitions_restored, name="definitions_restored"),
    path("<int:version_id>/", versions.version_detail, name="definitions_version"),
    path("<int:version_id>/restore/", restore.version_restore, name="definitions_restore"),
]
