"""What runs inside a session's interpreter: standard library, and IPython where it is.

The kernel sends these modules as text with the first cell, so they run on Python 3.8 and later and
import nothing of the rest of the package.
"""
