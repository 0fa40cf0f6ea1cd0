"""The BestEffortService resource: read it, check it, and turn it into what a router must know."""
