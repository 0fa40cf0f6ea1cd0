"""The pure middle of BestEffort: numbers in, a decision out. No I/O, no clock, no torch."""
