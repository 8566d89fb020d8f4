"""Races against other fitters, growth with the size of the data, and accuracy: `python -m benchmarks --help`."""
