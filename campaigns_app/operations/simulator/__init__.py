"""A provider in a process of its own, on this machine: the wire formats of all of them."""
