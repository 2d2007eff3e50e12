"""Node trees of several files → one canonical tree. Pure, given a Reader and an environment."""
