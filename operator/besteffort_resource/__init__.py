"""The BestEffortService resource: its shape, its rules, and what follows from it alone."""
