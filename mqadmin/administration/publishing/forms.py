"""One message for an exchange."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.administration.publishing.acts import Written
from mqadmin.core import unseen
from mqadmin.queues.forms.publish import PublishForm


class ExchangePublishForm(PublishForm):
    """The message that a queue's page has, with a routing key of its own. `must_type`: the word to be typed before
    it is published, "" for none; to look where it would go, nothing needs to be typed."""

    typed = forms.CharField(required=False, strip=False)

    def __init__(self, *args: Any, must_type: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.must_type = must_type
        self.fields["routing_key"].help_text = gettext_lazy(
            "What bindings are compared with. It may be empty."
        )

    def is_confirmed(self) -> bool:
        """Whether what must be typed was typed; else the field says so."""
        if self.must_type and not unseen.is_typed(self.cleaned_data["typed"], self.must_type):
            self.add_error("typed", _("Type the name exactly."))
            return False
        return True

    def written(self, vhost: str, exchange: str) -> Written:
        """Return the message that was filled in."""
        values = self.cleaned_data
        return Written(
            vhost=vhost,
            exchange=exchange,
            routing_key=values["routing_key"],
            body=values["body"],
            encoding=values["encoding"],
            properties=self.properties,
            headers=values["headers"],
        )
