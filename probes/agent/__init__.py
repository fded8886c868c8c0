"""The node agent: streamed to a host, runs there until it is idle, installs nothing."""
