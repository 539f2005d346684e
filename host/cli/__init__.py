"""The command ``trivit-board``: one module for each subcommand."""
