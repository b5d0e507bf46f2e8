"""Letting Chatwoot's header `api_access_token` through waitress.

Web servers drop headers with an underscore in their name, because `X_Forwarded_For` could pass for
`X-Forwarded-For` in a WSGI environment. This one has nothing to pass for, and the clients of
Chatwoot's API send it. The settings of gunicorn are in `gunicorn_settings`.
"""

import re

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser

_HEADER = re.compile(rb"^api_access_token(?=:)", re.IGNORECASE | re.MULTILINE)


class _Parser(HTTPRequestParser):
    """waitress's reader of requests, which sees that header spelled with hyphens."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(_HEADER.sub(b"api-access-token", header_plus))


class TokenHeaderChannel(HTTPChannel):
    """waitress's connection, for `server.channel_class`."""

    parser_class = _Parser
