"""Sessions in the database, as Django keeps them; read by one plain SELECT, as each request begins with it."""

from __future__ import annotations

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

_READ = "SELECT session_data, expire_date FROM django_session WHERE session_key = %s AND expire_date > %s"


class SessionStore(db.SessionStore):
    """Django's own, but for how a session is read. One that was ended elsewhere is gone with the next request."""

    def _get_session_from_db(self) -> Session | None:
        key = self.session_key or ""
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(_READ, [key, now])
            found = cursor.fetchone()
        if found is None:
            self._session_key = None
            return None
        return Session(session_key=key, session_data=found[0], expire_date=found[1])
