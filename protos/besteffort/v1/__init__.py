"""RouterConfig: all that operator and router share."""
