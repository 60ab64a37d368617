"""The app's name to Django."""

from __future__ import annotations

from django.apps import AppConfig


class DefinitionsConfig(AppConfig):
    name = "mqadmin.definitions"
    label = "definitions"
