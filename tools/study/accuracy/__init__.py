"""Accuracy of every sparsity method against the dense model, over several seeds."""
