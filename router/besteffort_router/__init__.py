"""The gateway: one gRPC endpoint before Triton servers of several sizes. besteffort_core decides."""
