"""What mqadmin and a provider say to each other, by django-allauth: discovery, the way there, the code for a token.

Nothing of it is stored: no token, no secret, no answer. Each sign-on asks for the keys anew, so that one that the
provider changed is known at once; what it says of itself holds for a minute in this process, since whoever opens
the way there, by day and night, would have it asked each time.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from mqadmin.accounts.provider import tokens
from mqadmin.accounts.provider.trouble import Trouble, of_error

PROVIDER = "oidc"  # the one there is
_ERROR = re.compile(r'\\?"error\\?"\s*:\s*\\?"(\w{1,60})')
_HOLDS_S = 60.0
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")

_discovered: dict[str, tuple[float, dict[str, Any]]] = {}


class Conversation(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth has no types
    """One with the provider that the settings name, for a request."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, PROVIDER)

    @cached_property
    def app(self) -> SocialApp:
        """What mqadmin is to the provider: from the settings, and never stored."""
        return SocialApp(
            provider=OpenIDConnectProvider.id,
            provider_id=PROVIDER,
            name=settings.MQADMIN_OIDC_NAME,
            client_id=settings.MQADMIN_OIDC_CLIENT_ID,
            secret=settings.MQADMIN_OIDC_CLIENT_SECRET,
            settings={"server_url": settings.MQADMIN_OIDC_ISSUER.rstrip("/"), "oauth_pkce_enabled": True},
        )

    def get_provider(self) -> OpenIDConnectProvider:
        """Return the library's provider, which knows the address of the discovery and PKCE."""
        return OpenIDConnectProvider(self.request, app=self.app)

    @cached_property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says of itself. Raises Trouble where it is not the one that was named."""
        url = self.get_provider().server_url
        since, found = _discovered.get(url, (0.0, {}))
        if found and time.monotonic() - since < _HOLDS_S:
            return found
        with _asking():
            found = self._get(url)
        if str(found.get("issuer", "")).rstrip("/") != settings.MQADMIN_OIDC_ISSUER.rstrip("/"):
            raise Trouble("unbelievable", f"it calls itself {str(found.get('issuer'))[:200]!r}")
        if missing := [name for name in _NEEDED if not isinstance(found.get(name), str)]:
            raise Trouble("away", f"it does not say its {', '.join(missing)}")
        _discovered[url] = (time.monotonic(), found)
        return found

    @property
    def issuer(self) -> str:
        """What its tokens must name."""
        return str(self.openid_config["issuer"])

    @property
    def basic_auth(self) -> bool:
        """Whether the secret travels in a header: where the provider takes it no other way, or names none."""
        methods = self.openid_config.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return bool(self.app.secret) and "client_secret_post" not in methods

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:  # noqa: ARG002
        """Return the address that the provider sends people back to, on the host that they came by."""
        return request.build_absolute_uri(reverse("provider_back"))

    def there(self, to: str) -> str:
        """Return the address at the provider where one signs on; `to`: where one wants to go afterwards."""
        pkce = self.get_provider().get_pkce_params()
        verifier, nonce = pkce.pop("code_verifier"), secrets.token_urlsafe(32)
        address = self.openid_config["authorization_endpoint"]
        self.request.session.set_expiry(statekit.STATE_TTL)
        state = {"to": to, "verifier": verifier, "nonce": nonce}
        state_id = statekit.stash_state(
            self.request, provider_id=PROVIDER, state=state, state_id=secrets.token_urlsafe(32)
        )
        asked = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": self.get_callback_url(self.request, self.app),
            "scope": " ".join(settings.MQADMIN_OIDC_SCOPES),
            "state": state_id,
            "nonce": nonce,
            **pkce,
        }
        return f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}"

    def begun(self) -> dict[str, Any]:
        """Return what was noted when the sign-on was begun that the provider sends back from: once, and in this
        browser alone. Raises Trouble."""
        found = statekit.unstash_state(
            self.request, provider_id=PROVIDER, state_id=self.request.GET.get("state", "")
        )
        if found is None:
            raise Trouble("lost")
        return dict(found)

    def claims(self, begun: dict[str, Any]) -> tokens.Claims:
        """Return what the provider says of who is sent back. Raises Trouble."""
        asked = self.request.GET
        if "error" in asked:
            raise of_error(asked["error"])
        if asked.get("iss", self.issuer) != self.issuer:  # RFC 9207
            raise Trouble("unbelievable", "another provider sent somebody back")
        if not asked.get("code"):
            raise Trouble("lost")
        with _asking():
            client = self.get_client(self.request, self.app)
            answer = self.get_access_token_data(self.request, self.app, client, begun["verifier"])
            keys = self._get(self.openid_config["jwks_uri"]).get("keys")
        found = tokens.believed(
            answer.get("id_token"),
            [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else [],
            issuer=self.issuer,
            client_id=self.app.client_id,
            nonce=begun["nonce"],
        )
        return found | self._more(answer["access_token"], found)

    def _more(self, access_token: str, told: tokens.Claims) -> tokens.Claims:
        """Return what the provider says where it is asked for the person, if its token leaves out what is needed.

        What it says of itself and of the subject stays that of the token.
        """
        wanted = [settings.MQADMIN_OIDC_NAME_CLAIM, settings.MQADMIN_OIDC_GROUPS_CLAIM]
        if all(name in told for name in wanted if name) or "userinfo_endpoint" not in self.openid_config:
            return {}
        with _asking():
            found = self._get(
                self.openid_config["userinfo_endpoint"], {"Authorization": f"Bearer {access_token}"}
            )
        if found.get("sub") != told["sub"]:
            raise Trouble("unbelievable", "its userinfo is of somebody else")
        return {name: value for name, value in found.items() if name not in told}

    def _get(self, url: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
        with get_adapter(self.request).get_requests_session() as session:
            response = session.get(url, headers=headers or {}, allow_redirects=not headers)
            response.raise_for_status()
            found = response.json()
        if not isinstance(found, dict):
            raise Trouble("away", f"{url} has no JSON object")
        return found


@contextmanager
def _asking() -> Iterator[None]:
    """Tell faults of a question to the provider as Trouble. The library's own quote its whole answer."""
    try:
        yield
    except OAuth2Error as error:
        told = _ERROR.search(str(error))
        name = told.group(1) if told else ""
        if name in {"invalid_client", "unauthorized_client"}:
            raise Trouble("secret", name) from None
        if name == "invalid_grant":
            raise Trouble("used", name) from None
        raise Trouble("misconfigured" if name else "away", name or "it gave no token") from None
    except (requests.RequestException, ValueError, KeyError) as error:
        raise Trouble("away", f"{type(error).__name__}: {error}"[:300]) from None


def forget() -> None:
    """Forget what providers said of themselves."""
    _discovered.clear()
