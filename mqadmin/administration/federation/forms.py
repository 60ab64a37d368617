"""An upstream, a set of upstreams: fields for what people set, JSON for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from mqadmin.administration.acting.forms import free_text
from mqadmin.administration.parameters.forms import DefinitionForm, JsonField, NamedForm, UriField, ack_mode


class UpstreamForm(DefinitionForm):
    """An upstream: where it is, and how links to it behave."""

    DEFINED = {
        "uri": "uri",
        "exchange": "exchange",
        "queue": "queue",
        "expires": "expires",
        "message_ttl": "message-ttl",
        "max_hops": "max-hops",
        "prefetch_count": "prefetch-count",
        "reconnect_delay": "reconnect-delay",
        "ack_mode": "ack-mode",
        "trust_user_id": "trust-user-id",
    }
    uri = UriField(label=gettext_lazy("Address"))
    exchange = free_text(gettext_lazy("Its exchange"), gettext_lazy("Empty: of the same name as here."))
    queue = free_text(gettext_lazy("Its queue"), gettext_lazy("Empty: of the same name as here."))
    expires = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**53,
        label=gettext_lazy("Its queue for a link is kept for (ms)"),
        help_text=gettext_lazy("While the link is down. Empty: for ever, so that it may fill the upstream."),
    )
    message_ttl = forms.IntegerField(
        required=False, min_value=0, max_value=2**53, label=gettext_lazy("Messages wait there for (ms)")
    )
    max_hops = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31,
        label=gettext_lazy("Most hops of a message"),
        help_text=gettext_lazy("Of exchanges: 1 unless said otherwise."),
    )
    prefetch_count = forms.IntegerField(
        required=False, min_value=0, max_value=65535, label=gettext_lazy("Messages in hand at most")
    )
    reconnect_delay = forms.IntegerField(
        required=False, min_value=0, max_value=86400, label=gettext_lazy("Connects again after (s)")
    )
    ack_mode = ack_mode()
    trust_user_id = forms.BooleanField(
        required=False, label=gettext_lazy("Trust the user-id that messages of it carry")
    )

    def __init__(self, *args: Any, definition: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        given = dict(definition or {})
        if given.get("ack-mode") == "on-confirm":
            del given["ack-mode"]
        super().__init__(*args, definition=given, **kwargs)

    def clean_trust_user_id(self) -> bool | None:
        return True if self.cleaned_data["trust_user_id"] else None


class SetForm(NamedForm):
    """A set of upstreams."""

    members = JsonField(
        required=False,
        label=gettext_lazy("Upstreams"),
        help_text=gettext_lazy(
            'A list, each names its upstream: [{"upstream": "one"}, {"upstream": "two"}].'
        ),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
