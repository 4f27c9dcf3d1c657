"""A Jupyter kernel whose cells run in an isolated AgentBay or AGB session."""

__all__ = ["__version__"]

__version__ = "0.1.0"
