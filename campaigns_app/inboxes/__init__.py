"""Inboxes: the named places messages leave from, and the settings of the channel behind each."""
