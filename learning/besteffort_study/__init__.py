"""The study: pools, traffic and entrants, played against each other on the same arrivals, and the report of it."""
