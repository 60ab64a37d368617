"""What goes wrong between mqadmin and a provider: a code for the log, a sentence for who wanted to sign on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from django.utils.translation import gettext as _

Code = Literal[
    "refused", "busy", "wants_more", "misconfigured", "lost", "away", "secret", "used", "clock",
    "unbelievable", "nameless",
]  # fmt: skip


class Trouble(Exception):
    """A sign-on that came to nothing. `detail` is for the log: it never holds what is secret."""

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


_SENTENCES: dict[Code, Callable[[], str]] = {
    "refused": lambda: _("%(name)s did not sign you on: it, or you there, refused. Nothing was changed."),
    "busy": lambda: _("%(name)s signs nobody on at the moment. Try again in a minute."),
    "wants_more": lambda: _(
        "%(name)s wants something of you before it signs you on. Open it, then try again."
    ),
    "misconfigured": lambda: _(
        "%(name)s refuses what mqadmin asks for (%(detail)s). An admin must compare the settings MQADMIN_OIDC_… "
        "with those at %(name)s."
    ),
    "lost": lambda: _("That sign-on took too long, or was begun in another browser. Begin again."),
    "away": lambda: _(
        "%(name)s does not answer mqadmin as it should. Try again; the log of the web process says more."
    ),
    "secret": lambda: _(
        "%(name)s does not know mqadmin: its client ID or secret is wrong. An admin must correct "
        "MQADMIN_OIDC_CLIENT_ID or MQADMIN_OIDC_CLIENT_SECRET."
    ),
    "used": lambda: _(
        "%(name)s takes that sign-on no more: it was used already, or took too long. Begin again."
    ),
    "clock": lambda: _(
        "What %(name)s signed is not valid at this server’s time. The clock of one of the two is wrong by more "
        "than a minute: an admin must set it."
    ),
    "unbelievable": lambda: _(
        "What %(name)s sent cannot be believed, so nobody was signed on. Begin again; if it stays so, the log of "
        "the web process says why."
    ),
    "nameless": lambda: _(
        "%(name)s does not say what you are called. An admin must have it send a claim, or name another one in "
        "MQADMIN_OIDC_NAME_CLAIM."
    ),
}
# What the provider says in `error`, RFC 6749 4.1.2.1 and OpenID Connect Core 3.1.2.6.
_ERRORS: dict[str, Code] = {
    "access_denied": "refused",
    "server_error": "busy",
    "temporarily_unavailable": "busy",
    "login_required": "wants_more",
    "interaction_required": "wants_more",
    "consent_required": "wants_more",
    "account_selection_required": "wants_more",
}
_LONGEST = 60  # characters of what came in an address


def of_error(error: str) -> Trouble:
    """Return the trouble that a provider names when it sends somebody back."""
    told = "".join(sign for sign in error[:_LONGEST] if sign.isascii() and (sign.isalnum() or sign in "_-."))
    return Trouble(_ERRORS.get(error, "misconfigured"), told or "error")


def sentence(trouble: Trouble, name: str) -> str:
    """Return what is said of it on the page where one signs in. `name`: of the provider."""
    return _SENTENCES[trouble.code]() % {"name": name, "detail": trouble.detail}
