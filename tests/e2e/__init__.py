"""The whole on a real node, as a program of its own: `make e2e`."""
