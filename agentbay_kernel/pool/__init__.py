"""Pieces of work run in many sessions at once: cells for `%%map`, functions for scripts."""
