"""The trainers: Double DQN in torch, tuned rules, and the comparison of all policies in the simulator."""
