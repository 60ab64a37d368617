"""A user to make, tags, and how a user signs in. What is secret in it is not written back into the page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.forms import ActForm, free_text
from mqadmin.administration.permissions.right_words import KNOWN_TAGS
from mqadmin.administration.users.acts import NewLogin
from mqadmin.administration.vhosts.forms import TagsField
from mqadmin.rabbit.administration.users import ALGORITHMS

_HIDDEN = forms.PasswordInput(attrs={"autocomplete": "new-password"})


class TagsForm(ActForm):
    """What a user may do in the management API; others are kept as they are typed."""

    known_tags = forms.MultipleChoiceField(
        required=False, label=_("Tags"), choices=KNOWN_TAGS, widget=forms.CheckboxSelectMultiple
    )
    other_tags = TagsField(
        label=_("Other tags"), help_text=_("With commas between. RabbitMQ itself makes nothing of them.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["known_tags"].widget.attrs["class"] = "form-check-input"

    @property
    def tags(self) -> list[str]:
        return [*self.cleaned_data["known_tags"], *self.cleaned_data["other_tags"]]

    @property
    def values(self) -> dict[str, Any]:
        return {"tags": self.tags}

    @staticmethod
    def initial_of(tags: list[str]) -> dict[str, Any]:
        """Return what the form begins with for a user of these tags."""
        known = dict(KNOWN_TAGS)
        return {
            "known_tags": [tag for tag in tags if tag in known],
            "other_tags": [tag for tag in tags if tag not in known],
        }


class LoginForm(ActForm):
    """How a user signs in."""

    way = forms.ChoiceField(
        label=_("Signs in"),
        initial="generate",
        choices=[
            ("generate", _("with a password that is made now, and shown once")),
            ("password", _("with a password of yours")),
            ("hash", _("with a password of which you have the hash")),
            ("none", _("without a password: by certificate, or not at all")),
        ],
        widget=forms.RadioSelect,
    )
    password = forms.CharField(required=False, strip=False, label=_("Password"), widget=_HIDDEN)
    again = forms.CharField(required=False, strip=False, label=_("The same again"), widget=_HIDDEN)
    password_hash = forms.CharField(
        required=False,
        label=_("Hash"),
        widget=_HIDDEN,
        help_text=_("As RabbitMQ keeps it: base64 of four bytes of salt and the digest."),
    )
    algorithm = forms.ChoiceField(
        required=False,
        label=_("Hashed by"),
        choices=[(name, name.removeprefix("rabbit_password_hashing_")) for name in ALGORITHMS],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["way"].widget.attrs["class"] = "form-check-input"

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("way") == "password" and found.get("password") != found.get("again"):
            self.add_error("again", _now("The two are not the same."))
        return found

    @property
    def login(self) -> NewLogin:
        """What the service is called with."""
        given = self.cleaned_data
        return NewLogin(
            given["way"], given["password"], given["password_hash"], given["algorithm"] or ALGORITHMS[0]
        )

    @property
    def values(self) -> dict[str, Any]:
        return {"login": self.login}


class NewUserForm(LoginForm, TagsForm):
    """A user who is not there yet."""

    name = free_text(_("Name"))
    field_order = [
        "name",
        "way",
        "password",
        "again",
        "password_hash",
        "algorithm",
        "known_tags",
        "other_tags",
    ]

    @property
    def values(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["name"], "tags": self.tags, "login": self.login}
