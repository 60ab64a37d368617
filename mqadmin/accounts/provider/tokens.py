"""An ID token is believed or refused: OpenID Connect Core 3.1.3.7. Pure, but for the time that it is.

The library would not look at the signature of a token that it fetched itself, nor knows a nonce.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jwt
from django.utils.crypto import constant_time_compare

from mqadmin.accounts.provider.trouble import Trouble

# By a key of the provider's own: never "none", nor one that whoever knows the client secret could sign with.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_S = 60  # between two clocks
_NEEDED = ["iss", "sub", "aud", "exp", "iat"]

Claims = dict[str, Any]


def believed(
    token: str, keys: Iterable[Mapping[str, Any]], *, issuer: str, client_id: str, nonce: str
) -> Claims:
    """Return what an ID token says. `keys`: the provider's, each as a JSON Web Key.

    Raises Trouble "clock" for one that is not valid now, "unbelievable" for all else that is wrong with it.
    """
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, TypeError) as error:
        raise Trouble("unbelievable", f"the ID token is none: {error}") from None
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise Trouble("unbelievable", f"the ID token is signed by {str(algorithm)[:20]!r}")
    claims = _decoded(token, _key(keys, header), algorithm, issuer, client_id)
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise Trouble("unbelievable", "the ID token has no subject")
    if claims.get("azp", client_id) != client_id:
        raise Trouble("unbelievable", "the ID token was made for another client")
    if not constant_time_compare(str(claims.get("nonce", "")), nonce):
        raise Trouble("unbelievable", "the ID token was made for another sign-on (nonce)")
    return claims


def _key(keys: Iterable[Mapping[str, Any]], header: Mapping[str, Any]) -> Any:
    """Return the key that signed: the one of the name that the token gives, else the only one that could."""
    algorithm, name = header["alg"], header.get("kid")
    could = [
        key
        for key in keys
        if key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and key.get("kty") != "oct"
        and (name is None or key.get("kid") == name)
    ]
    found = []
    for key in could:
        try:
            found.append(jwt.PyJWK(dict(key), algorithm=algorithm).key)
        except (jwt.PyJWTError, ValueError, TypeError):
            continue  # of another kind, or one that this version does not know
    if len(found) != 1:
        raise Trouble(
            "unbelievable", f"the ID token is signed by a key that the provider does not have ({len(found)})"
        )
    return found[0]


def _decoded(token: str, key: Any, algorithm: str, issuer: str, client_id: str) -> Claims:
    try:
        return dict(
            jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=issuer,
                audience=client_id,
                leeway=LEEWAY_S,
                options={"require": _NEEDED},
            )
        )
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
        raise Trouble("clock", str(error)) from None
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise Trouble("unbelievable", f"{type(error).__name__}: {error}"[:200]) from None
