"""Our side of the talk with the code that runs inside a session's interpreter."""
