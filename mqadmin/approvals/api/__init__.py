"""The API's calls for acts that wait for a second person."""

from __future__ import annotations

from mqadmin.approvals.api.approvals import router

__all__ = ["router"]
