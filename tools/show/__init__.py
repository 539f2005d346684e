"""Pictures of runs and experiments, and the data behind them."""
