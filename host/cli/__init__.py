"""The command ``trivit-board``: argparse and one module for each subcommand."""
