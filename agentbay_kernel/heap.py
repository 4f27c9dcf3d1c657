"""Lets a process keep freed memory for the next large output, instead of asking for it anew."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Numbers of glibc's malloc.h."""

KEPT_BYTES = 64 << 20
SINGLE_BYTES = 32 << 20


def keep() -> None:
    """Keep up to `KEPT_BYTES`; nothing happens where the C library is not glibc.

    Its default gives back what is freed beyond twice the largest piece, so that each megabyte of
    output would be faulted in page by page again, which takes longer than to compress it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(MMAP_THRESHOLD, SINGLE_BYTES)
    mallopt(TRIM_THRESHOLD, KEPT_BYTES)
