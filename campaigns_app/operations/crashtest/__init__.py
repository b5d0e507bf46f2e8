"""The crash test: real processes, real faults, and a checker that reads the whole history."""
