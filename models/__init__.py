"""Vision transformers, their sparsity levels, training and quantization (PyTorch)."""
