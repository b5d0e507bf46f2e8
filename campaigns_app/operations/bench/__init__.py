"""The benchmark: ratios of two things measured in one run, so that machines can be compared."""
