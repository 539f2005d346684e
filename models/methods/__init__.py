"""The sparsity levels and the patch schedule: pure functions, and classes that say when they apply.

``counts``       how many items a keep ratio keeps
``tokens``       which patch tokens stay (Tri-Level, "Token-level Sparsity")
``connections``  which attention connections stay (Tri-Level, "Attention-level Sparsity")
``schedule``     the keep ratio's warm-up
``patches``      which patches a training step uses (PSS)
``examples``     which training examples stay (Tri-Level, "Sparsity in Training Examples"), by
                 ``ranking`` what ``statistics`` records
"""
