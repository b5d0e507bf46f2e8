"""Telling outside endpoints what happened: an outbox, signed delivery, a log of every attempt."""
