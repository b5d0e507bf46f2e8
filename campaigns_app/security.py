"""What every answer carries: security headers, a request id, and how long it may be kept."""

import secrets

from flask import Flask, Response, current_app, g, request

from campaigns_app.extensions import csrf, limiter

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: the check against forged requests compares the referring site over HTTPS.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
ONE_YEAR_SECONDS = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    """Protect forms against forged requests, limit rates, and put headers on every answer."""
    # The token lives as long as the session it is tied to: forms left open overnight still work.
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    csrf.init_app(app)
    app.config.setdefault("RATELIMIT_STORAGE_URI", _limits_url(app.config["REDIS_URL"]))
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", {"socket_connect_timeout": 2})
    # Redis may be down; logging in must still work, and still be limited.
    app.config.setdefault("RATELIMIT_IN_MEMORY_FALLBACK_ENABLED", True)
    app.config.setdefault("RATELIMIT_HEADERS_ENABLED", True)
    limiter.init_app(app)
    app.after_request(_add_headers)


def request_id() -> str:
    """The number of the present request: on its error page, in its answer, in the log."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    number: str = g.request_id
    return number


def _add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("X-Request-Id", request_id())
    if current_app.config["COOKIE_SECURE"]:
        response.headers.setdefault(
            "Strict-Transport-Security", f"max-age={ONE_YEAR_SECONDS}; includeSubDomains"
        )
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.add("HX-Request")
    return response


def _limits_url(redis_url: str) -> str:
    """The same store, as the library for limits spells a unix socket."""
    return redis_url.replace("unix://", "redis+unix://", 1)
