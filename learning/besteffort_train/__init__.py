"""The trainers: direct search of scorers and rules, the paper's Double DQN, and the comparison of policies."""
