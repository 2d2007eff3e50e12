"""Real Docker engines for tests: see README.md beside this file."""
