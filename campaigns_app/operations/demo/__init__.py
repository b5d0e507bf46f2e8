"""`campaigns demo`: from an empty folder to delivered webhooks, with real processes."""
