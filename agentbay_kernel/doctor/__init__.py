"""A check of everything that a kernel needs, from the key to a context, against the real thing."""
