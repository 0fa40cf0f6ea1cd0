"""The study: GPU profiles, pools, traffic, policies and their comparison. It decides nothing that a router runs."""
