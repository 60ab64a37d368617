"""What django-allauth asks mqadmin for about second factors: encryption at rest, what telephones call us.

The database never holds the secret of a factor that could be used: it is encrypted with a key that is made of
SECRET_KEY, which is not in the database. Under another key what is there cannot be read (`Unreadable`).
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import lru_cache

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.models import User
from django.utils.crypto import salted_hmac

_PURPOSE = b"mqadmin: secrets of second factors"
_HANDLE = "mqadmin.accounts.two_factor.handle"


class Unreadable(Exception):
    """A secret that was encrypted under another SECRET_KEY: the database was restored without its key."""


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Set as `MFA_ADAPTER`."""

    def encrypt(self, text: str) -> str:
        """Return what is stored of a secret."""
        return _fernet(settings.SECRET_KEY).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return a secret. Raises Unreadable."""
        try:
            return _fernet(settings.SECRET_KEY).decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            raise Unreadable from None

    def get_totp_label(self, user: User) -> str:
        """Return what an app calls the account."""
        return user.get_username()

    def get_totp_issuer(self) -> str:
        """Return what an app calls us: one telephone may know several installations."""
        return f"{settings.MFA_TOTP_ISSUER} {context.request.get_host()}{settings.BASE_PATH}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return what passkeys are for: the host. Its name is shown by the browser."""
        return {"id": context.request.get_host().rpartition("@")[2].partition(":")[0], "name": "mqadmin"}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, object]:
        """Return what a passkey is kept under. Of two installations on one host, or two accounts, never the same: a
        second key of the same id would take the place of the first."""
        name = user.get_username()
        handle = salted_hmac(_HANDLE, str(user.pk), algorithm="sha256").digest()
        return {"id": handle, "name": name, "display_name": name}


@lru_cache(maxsize=4)
def _fernet(secret_key: str) -> Fernet:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret_key.encode())
    return Fernet(urlsafe_b64encode(key))
