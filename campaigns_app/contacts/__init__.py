"""The people who can be written to, their labels, and who must not be written to."""
