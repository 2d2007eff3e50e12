"""Where the built-in manager differs from Swarm by design: the test's name (a pattern) and the reason."""

BY_DESIGN: dict[str, str] = {}
