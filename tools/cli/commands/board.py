"""``trivit board``."""

import typer

#: Every word behind ``board`` is for the host's own parser, --help included.
SETTINGS = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


def board(context: typer.Context) -> int:
    """Check a ZCU102, measure latency and power, show a demo: what trivit-board does there.

    `trivit board --help` lists its commands: check, latency, demo, version. Here they have the
    backend simulation besides.
    """
    from trivit.host.cli.main import main
    from trivit.tools.backends import register_simulation

    register_simulation()
    return main(context.args, program="trivit board")
