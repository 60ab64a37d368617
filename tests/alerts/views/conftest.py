"""Browsers that are signed in with a role."""

from __future__ import annotations

from tests.core.conftest import sign_in as sign_in
