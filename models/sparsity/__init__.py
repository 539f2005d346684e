"""The three sparsity levels as pure functions, and the classes that say when they apply.

``counts``       how many items a keep ratio keeps
``tokens``       which patch tokens stay (Tri-Level, "Token-level Sparsity")
``connections``  which attention connections stay (Tri-Level, "Attention-level Sparsity")
``schedule``     the keep ratio's warm-up
``examples``     which training examples stay (Tri-Level, "Sparsity in Training Examples")
"""
