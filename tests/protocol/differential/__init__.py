"""The same cells under `python3` and `agentbay`, compared message by message."""
