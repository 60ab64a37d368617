"""The app's name to Django."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "mqadmin.accounts"
    label = "accounts"
