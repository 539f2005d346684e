"""Entry point of ``trivit-board``; every failure becomes one line and an exit status."""

import argparse
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from typing import NoReturn

from trivit.host.cli import check, demo, latency, version
from trivit.host.errors import HostError

OK = 0
INTERNAL_ERROR = 1
BAD_INPUT = 2
INTERRUPTED = 130
BROKEN_PIPE = 141  # what a shell reports for a tool that SIGPIPE ended

#: Modules with ``NAME``, ``HELP``, ``add_arguments(parser)`` and ``run(arguments) -> status``.
SUBCOMMANDS = (check, latency, demo, version)
#: Distributions that bring this package; pip lets the second one overwrite the first.
_DISTRIBUTIONS = ("trivit", "trivit-host")

_DESCRIPTION = """\
Check a ZCU102, measure on it, and show what the accelerator sees.
check -> latency -> demo; each takes a bundle of `trivit compile` and the same backends:
board (PYNQ), reference (numpy), and on a workstation simulation and emulator."""


class _Parser(argparse.ArgumentParser):
    """A parser whose usage errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise HostError(f"{message} (see {self.prog} --help)")


def main(arguments: Sequence[str] | None = None, program: str = "trivit-board") -> int:
    """Run ``PROGRAM ARGUMENTS`` (default: ``sys.argv``) and return its exit status.

    0: done; 1: an error of the program itself; 2: bad input or a failed check, one line on stderr;
    130: ended by Ctrl-C; 141: nobody reads the output any more. ``--debug`` anywhere on the line
    shows tracebacks.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        refuse_twice_installed()
        chosen = build_parser(program).parse_args(words)
        status: int = chosen.run(chosen)
        sys.stdout.flush()  # a full disk or a closed pipe shows here rather than at exit
        return status
    except SystemExit as end:  # --help
        return end.code if isinstance(end.code, int) else OK
    except KeyboardInterrupt:
        return _fail(program, "interrupted: run the same line again", INTERRUPTED, debug)
    except BrokenPipeError:
        return BROKEN_PIPE
    except HostError as error:
        return _fail(program, str(error), BAD_INPUT, debug)
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        return _fail(program, f"{where}{(error.strerror or str(error)).lower()}", BAD_INPUT, debug)
    except Exception as error:
        text = f"internal error: {type(error).__name__}: {error} (--debug shows where)"
        return _fail(program, text, INTERNAL_ERROR, debug)


def build_parser(program: str) -> argparse.ArgumentParser:
    """Return the parser with all subcommands; each sets ``run``."""
    parser = _Parser(
        prog=program,
        description=_DESCRIPTION,
        epilog="--debug anywhere on the line shows tracebacks.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True, dest="command")
    for module in SUBCOMMANDS:
        own = commands.add_parser(module.NAME, help=module.HELP, description=module.HELP)
        module.add_arguments(own)
        own.set_defaults(run=module.run)
    return parser


def refuse_twice_installed() -> None:
    """Raise HostError when both distributions that bring this package are installed.

    Their files lie in the same folder: the one installed last has overwritten the other, and taking
    one away takes files of both.
    """
    for name in _DISTRIBUTIONS:
        try:
            distribution(name)
        except PackageNotFoundError:
            return
    raise HostError(
        f"{' and '.join(_DISTRIBUTIONS)} are both installed and bring the same files: "
        f"pip uninstall {' '.join(_DISTRIBUTIONS)}, then install one of them"
    )


def _fail(program: str, message: str, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"{program}: {' '.join(message.split())}", file=sys.stderr)
    return status
