"""Settings of gunicorn: `gunicorn --config python:campaigns_app.operations.gunicorn_settings`.

The address comes from `--bind`, or from the variable PORT.
"""

worker_class = "gthread"
threads = 8

# The clients of Chatwoot's API send `api_access_token`, and gunicorn drops a header with an
# underscore unless the sender is trusted with it. Everybody is, with that one and no other;
# X-Forwarded-Proto is left to the app's own TRUSTED_PROXIES.
forwarder_headers = "API_ACCESS_TOKEN"
forwarded_allow_ips = "*"
secure_scheme_headers: dict[str, str] = {}
