"""The app's name to Django."""

from __future__ import annotations

from django.apps import AppConfig


class AdministrationConfig(AppConfig):
    name = "mqadmin.administration"
    label = "administration"
