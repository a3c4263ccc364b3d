"""A slice as small as one can be, put into a copy of the project by tests/acceptance/test_slices.py."""
