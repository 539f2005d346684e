"""The sparsity methods: one module each, found by registries, and what they share.

``tokens``       which patch tokens stay (Tri-Level, "Token-level Sparsity")
``connections``  which attention connections stay (Tri-Level, "Attention-level Sparsity")
``examples``     which training examples stay (Tri-Level, "Sparsity in Training Examples")
``patches``      which patches a training step uses (PSS)
``warmup``       how keep ratios reach their final values
``counts``       how many items a keep ratio keeps
``table``        how the methods appear in comparisons
"""
