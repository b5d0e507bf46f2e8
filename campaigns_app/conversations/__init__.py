"""Conversations and their messages, as integrations and agents see them."""
