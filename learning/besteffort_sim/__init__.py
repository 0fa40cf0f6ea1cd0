"""The simulator: discrete events, seeded, compiled from the very source of the core. No torch, no I/O."""
