"""Why patches of large L1 norm train worse than random ones on small images (docs/results/)."""
