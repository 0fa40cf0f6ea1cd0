"""The demo's three language models: tasks, training, export and evaluation. Nothing here is needed to serve."""
