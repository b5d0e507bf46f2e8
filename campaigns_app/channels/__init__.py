"""The ways a message can leave. A channel is one file, one line in `builtin`, one test file."""
