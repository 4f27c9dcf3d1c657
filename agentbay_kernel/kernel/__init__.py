"""The Jupyter kernel: messages in, messages out; everything else is delegated."""
