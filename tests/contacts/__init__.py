"""Tests of contacts, labels and imports."""
