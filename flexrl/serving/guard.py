"""An ASGI middleware that keeps strangers from HTTP and WebSockets.

It refuses pages of other sites, names that point here by DNS rebinding, and, where there is a token, whoever lacks it.
"""

import hmac
import ipaddress
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from flexrl.common.errors import ConfigError

COOKIE = "flexrl_token"
MAX_BODY = 16_384  # bytes of a request
MIN_TOKEN = 16  # characters
OPEN_PATHS = ("/healthz",)  # asked for by probes, which have no token
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def require_safe(host: str, token: str | None) -> None:
    """Refuse to listen where others can reach it without a token, and tokens that can be guessed.

    Raises:
      ConfigError: naming the address or the token's length.
    """
    if token is not None and (len(token) < MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token):
        raise ConfigError(
            f"token: must have at least {MIN_TOKEN} ASCII characters without spaces; this has {len(token)}"
        )
    if not is_loopback(host) and token is None:
        raise ConfigError(
            f"host: {host} can be reached from other machines; add --token (at least {MIN_TOKEN} characters), or use "
            "--host 127.0.0.1 and an SSH tunnel"
        )


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Refuses requests that must not reach the app, and adds security headers to the app's answers."""

    def __init__(self, app: App, *, host: str, token: str | None) -> None:
        """Guard an app that listens at `host`, and whose clients must send `token` unless that is None."""
        self._app, self._token = app, token
        literal = f"[{host}]" if ":" in host else host
        self._names = (
            {*LOOPBACK_NAMES, literal} if is_loopback(host) else None
        )  # None: any name, since there is a token

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on to the app, or answer it with a status and the reason why it is refused.

        The status is 421 for a host name that is not this server's, 403 for a page of another site, 413 for a body that
        is too long, and 401 for a missing or wrong token.
        """
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        status, reason = self._refusal(scope, headers)
        if status:
            await _refuse(scope, send, status, reason)
            return
        await self._app(scope, _limited(receive), self._with_headers(scope, send))

    def _refusal(self, scope: Message, headers: dict[str, str]) -> tuple[int, str]:
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if self._names is not None and name.lower() not in self._names:
            return 421, f"host: {host[:100]!r} is not this server's name; use {' or '.join(LOOPBACK_NAMES[:2])}"
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
            return 403, f"origin: {origin[:100]!r} is another site, and may not use this server"
        length = headers.get("content-length", "0")[:20]
        if length.isdecimal() and int(length) > MAX_BODY:
            return 413, f"body: {length} bytes are too many; send at most {MAX_BODY}"
        if self._token is not None and scope["path"] not in OPEN_PATHS and not self._has_token(scope, headers):
            return (
                401,
                "token: is missing or wrong; send 'Authorization: Bearer TOKEN', or open the page with ?token=TOKEN",
            )
        return 0, ""

    def _has_token(self, scope: Message, headers: dict[str, str]) -> bool:
        given = [headers.get("authorization", "").removeprefix("Bearer ")]
        given += parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        cookies = (x.strip().partition("=") for x in headers.get("cookie", "").split(";"))
        given += [value for name, _, value in cookies if name == COOKIE]
        expected = (self._token or "").encode()
        return any(hmac.compare_digest(x.encode("utf-8", "replace"), expected) for x in given)

    def _with_headers(self, scope: Message, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                if self._token is not None and scope["path"] == "/":  # scripts and WebSockets of the page send it back
                    cookie = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
                    extra.append((b"set-cookie", cookie.encode()))
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        return sending


def _limited(receive: Receive) -> Receive:
    """Return a `receive` that ends the connection of a client whose request is longer than MAX_BODY bytes."""
    size = 0

    async def receiving() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b"")) if message["type"] == "http.request" else 0
        return {"type": "http.disconnect"} if size > MAX_BODY else message

    return receiving


async def _refuse(scope: Message, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": reason[:120]})
        return
    prefix = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    body = json.dumps({"detail": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{prefix}.start", "status": status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": body})
