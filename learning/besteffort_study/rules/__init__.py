"""Policies of the literature that no router here serves: rules compiled into the simulator, and what they need."""
