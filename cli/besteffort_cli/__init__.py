"""The `besteffort` command: its verbs and the runtime on one machine. It decides nothing about a request."""
