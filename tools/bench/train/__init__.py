"""Time of a training step with each sparsity method, as ratios to the fastest dense step."""
