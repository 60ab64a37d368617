"""An OpenID provider on the loopback: oauthlib's server behind real HTTP; discovery, keys, PKCE, RS256, logout.

What it signs, and who somebody is, can be changed by a test, as a hostile or a broken provider would.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from oauthlib.oauth2 import OAuth2Error
from oauthlib.openid import RequestValidator, Server

CLIENT, SECRET = "mqadmin", "s3cret-of-the-client"
Claims = dict[str, Any]


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """Return a key, the same each time: to make one takes longer than all else."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def signed(claims: Claims, by: str = "one", kid: str = "one") -> str:
    """Return claims as a token."""
    return jwt.encode(claims, key(by), algorithm="RS256", headers={"kid": kid})


@dataclass
class Provider(RequestValidator):  # type: ignore[misc]  # oauthlib has no types
    """What the server asks about clients, codes and people; `people`: what is said of each."""

    address: str = ""
    people: dict[str, Claims] = field(default_factory=dict)
    lifetime: int = 300
    sign: Callable[[Claims], str] = signed
    change: Callable[[Claims], Claims] = dict
    discovery: Claims = field(default_factory=dict)  # what differs of what it says of itself
    in_token: bool = True  # whether the token says who somebody is, or userinfo alone
    tokens_given: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    codes: dict[str, Claims] = field(default_factory=dict)
    bearers: dict[str, str] = field(default_factory=dict)
    left: list[Mapping[str, str]] = field(default_factory=list)
    is_broken: bool = False

    def __post_init__(self) -> None:
        self.server = Server(self)

    # --- what oauthlib asks -------------------------------------------------------------------------------

    def validate_client_id(self, client_id: str, request: Any, *_: Any, **__: Any) -> bool:
        return client_id == CLIENT

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, *_: Any, **__: Any) -> bool:
        return urlsplit(redirect_uri).path.endswith("/login/with/back/")

    def validate_response_type(self, client_id: str, response_type: str, *_: Any, **__: Any) -> bool:
        return response_type == "code"

    def validate_scopes(self, client_id: str, scopes: list[str], *_: Any, **__: Any) -> bool:
        return set(scopes) <= {"openid", "profile", "email", "groups"}

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        return True

    def validate_user_match(self, *_: Any) -> bool:
        return True

    def save_authorization_code(self, client_id: str, code: dict[str, str], request: Any, *_: Any) -> None:
        self.codes[code["code"]] = {
            "who": request.user,
            "challenge": request.code_challenge,
            "method": request.code_challenge_method,
            "nonce": request.nonce,
            "redirect_uri": request.redirect_uri,
            "scopes": request.scopes,
        }

    def authenticate_client(self, request: Any, *_: Any, **__: Any) -> bool:
        request.client = type("Client", (), {"client_id": CLIENT})()
        return (request.client_id, request.client_secret) == (CLIENT, SECRET)

    def validate_grant_type(self, client_id: str, grant_type: str, *_: Any, **__: Any) -> bool:
        return grant_type == "authorization_code"

    def validate_code(self, client_id: str, code: str, client: Any, request: Any) -> bool:
        found = self.codes.get(code)
        if found is None:
            return False
        request.user, request.scopes = found["who"], found["scopes"]
        return True

    def get_code_challenge(self, code: str, request: Any) -> str:
        return str(self.codes[code]["challenge"])

    def get_code_challenge_method(self, code: str, request: Any) -> str:
        return str(self.codes[code]["method"])

    def get_authorization_code_scopes(self, client_id: str, code: str, *_: Any) -> list[str]:
        return list(self.codes[code]["scopes"])

    def get_authorization_code_nonce(self, client_id: str, code: str, *_: Any) -> str:
        return str(self.codes[code]["nonce"])

    def confirm_redirect_uri(self, client_id: str, code: str, redirect_uri: str, *_: Any, **__: Any) -> bool:
        return bool(self.codes[code]["redirect_uri"] == redirect_uri)

    def save_bearer_token(self, token: dict[str, Any], request: Any, *_: Any) -> None:
        self.bearers[token["access_token"]] = request.user
        self.tokens_given.append(token["access_token"])

    def invalidate_authorization_code(self, client_id: str, code: str, *_: Any) -> None:
        self.codes.pop(code, None)

    def get_id_token(self, *_: Any) -> None:
        return None

    def finalize_id_token(self, id_token: Claims, token: Any, token_handler: Any, request: Any) -> str:
        now = int(time.time())
        claims = {"iss": self.address, "sub": f"id-of-{request.user}", "exp": now + self.lifetime} | id_token
        told = self.people.get(request.user, {}) if self.in_token else {}
        made = self.sign(self.change(claims | told))
        self.tokens_given.append(made)
        return made

    def validate_bearer_token(self, token: str, scopes: Any, request: Any) -> bool:
        request.user = self.bearers.get(token)
        return request.user is not None

    def get_userinfo_claims(self, request: Any) -> Claims:
        return {"sub": f"id-of-{request.user}"} | self.people.get(request.user, {})

    # --- what it says over HTTP ---------------------------------------------------------------------------

    def configuration(self) -> Claims:
        """What it says of itself."""
        said = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "userinfo_endpoint": f"{self.address}/userinfo",
            "jwks_uri": f"{self.address}/jwks",
            "end_session_endpoint": f"{self.address}/logout",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
        }
        return {name: value for name, value in (said | self.discovery).items() if value is not None}

    def keys(self) -> Claims:
        """Its public key."""
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key("one").public_key()))
        return {"keys": [public | {"kid": "one", "use": "sig", "alg": "RS256"}]}

    def answer(self, method: str, target: str, headers: dict[str, str], body: str) -> tuple[int, Any, Any]:
        """Return status, headers and body of an answer."""
        path, form = urlsplit(target).path, dict(parse_qsl(body))
        self.asked.append((method, path))
        uri = f"{self.address}{target}"
        if self.is_broken:
            return 503, {}, "away"
        if path == "/.well-known/openid-configuration":
            return 200, {}, self.configuration()
        if path == "/jwks":
            return 200, {}, self.keys()
        if path == "/authorize":
            return self._authorize(method, uri, headers, form)
        if path == "/token":
            found, text, status = self.server.create_token_response(uri, method, body, headers, {})
            return status, found, text
        if path == "/userinfo":
            found, text, status = self.server.create_userinfo_response(uri, method, body, headers)
            return status, found, text
        if path == "/logout":
            asked = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
            self.left.append(asked)
            return 302, {"Location": asked["post_logout_redirect_uri"]}, ""
        return 404, {}, "nothing"

    def _authorize(
        self, method: str, uri: str, headers: dict[str, str], form: dict[str, str]
    ) -> tuple[int, Any, Any]:
        try:
            scopes, credentials = self.server.validate_authorization_request(uri, "GET", None, headers)
        except OAuth2Error as error:
            return (
                (302, {"Location": error.in_uri(error.redirect_uri)}, "")
                if error.redirect_uri
                else (400, {}, str(error))
            )
        if method == "GET":
            buttons = "".join(
                f"<button name=who value='{escape(name)}'>{escape(name)}</button>" for name in self.people
            )
            page = f"<title>Provider</title><h1>Who are you?</h1><form method=post>{buttons}"
            return (
                200,
                {"Content-Type": "text/html"},
                f"{page}<button name=who value=''>Refuse</button></form>",
            )
        if not form.get("who"):
            back = {"error": "access_denied", "state": credentials["state"]}
            return 302, {"Location": f"{credentials['redirect_uri']}?{urlencode(back)}"}, ""
        found, _text, status = self.server.create_authorization_response(
            uri, "GET", None, headers, scopes, credentials | {"user": form["who"]}
        )
        return status, found, ""

    def approve(self, there: str, who: str) -> str:
        """Sign on as `who` ("": refuse) where a browser was sent; return the path that it is sent back to."""
        response = requests.post(there, data={"who": who}, allow_redirects=False, timeout=30)
        assert response.status_code == 302, response.text
        back = urlsplit(response.headers["Location"])
        return f"{back.path}?{back.query}"


@contextmanager
def running() -> Iterator[Provider]:
    """Yield a provider that answers."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode()
            status, headers, content = provider.answer(self.command, self.path, dict(self.headers), body)
            data = (content if isinstance(content, str) else json.dumps(content)).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _answer

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
