"""The app's name to Django."""

from __future__ import annotations

from django.apps import AppConfig


class PassingConfig(AppConfig):
    name = "mqadmin.passing"
    label = "passing"
