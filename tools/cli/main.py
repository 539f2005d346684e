"""Entry point: runs the command line and turns every failure into one line and an exit status."""

import errno
import os
import sys
import traceback
import warnings
from collections.abc import Sequence

from trivit.host.errors import HostError
from trivit.models.errors import ModelsError
from trivit.tools.cli.interruption import Interruption, interruptible
from trivit.tools.cli.streams import drop_unwritten, open_streams, print_error
from trivit.tools.errors import ToolsError

OK = 0
INTERNAL_ERROR = 1
BAD_INPUT = 2
BROKEN_PIPE = 141  # what a shell reports for a tool that SIGPIPE ended

_DEBUG = "--debug"

# The extra of pyproject.toml that brings a module which a board or a bare installation lacks.
_EXTRAS = {
    **dict.fromkeys(("torch", "safetensors", "yaml", "rich", "typer", "matplotlib"), "train"),
    **dict.fromkeys(("brevitas", "onnx", "onnxruntime", "onnxscript", "qonnx"), "quant"),
}

_REMEDIES = {
    errno.ENOSPC: "free some disk space or choose another folder",
    errno.EDQUOT: "free some of your quota or choose another folder",
    errno.EFBIG: "raise the file size limit (ulimit -f) or choose another folder",
    errno.EACCES: "check its permissions",
    errno.EPERM: "check its permissions",
    errno.EROFS: "choose a folder that can be written",
    errno.ENOENT: "check the path",
}


def _let_threads_sleep() -> None:
    """Let PyTorch's idle threads (GNU OpenMP) sleep soon, unless the user chose otherwise.

    By default they spin for milliseconds. On a machine where another process holds one of two
    cores a training step then takes three times as long instead of twice; on an idle machine this
    costs 4 %. The library reads the variable when torch loads it.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``trivit ARGUMENTS`` (default: ``sys.argv``) and return its exit status.

    0: done; 1: an error of the program itself; 2: bad input or a failed check, one line on stderr;
    130, 143, 129: ended by Ctrl-C, SIGTERM or SIGHUP, one line on stderr; 141: nobody reads the
    output any more. ``--debug`` anywhere on the line shows tracebacks and warnings.
    """
    open_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = _DEBUG in words
    if debug:
        words.remove(_DEBUG)
    else:
        # Libraries warn about their own future; one line on stderr is a promise of this command.
        warnings.simplefilter("ignore")
    _let_threads_sleep()
    with interruptible(restore=arguments is not None):
        return _run(words, debug)


def _run(words: list[str], debug: bool) -> int:
    """Run one command and return its exit status."""
    try:
        from trivit.tools.cli.app import build_app

        status = _invoke(build_app(), words)
        sys.stdout.flush()  # a full disk or a closed pipe shows here rather than at exit
        return status
    except Interruption as interruption:
        if "RANK" in os.environ:  # of several processes the first one speaks
            from trivit.models.training.distributed import is_first_process

            if not is_first_process():
                return interruption.status
        return _fail(interruption.line(words), interruption.status, debug)
    except BrokenPipeError:
        # The reader of a pipe went away (`trivit ... | head`): no message, as other tools do.
        return BROKEN_PIPE
    except (ModelsError, HostError, ToolsError) as error:
        return _fail(str(error), BAD_INPUT, debug)
    except OSError as error:
        return _fail(_describe_os_error(error), BAD_INPUT, debug)
    except ModuleNotFoundError as error:
        if (extra := _EXTRAS.get((error.name or "").partition(".")[0])) is None:
            return _fail(_describe_internal(error), INTERNAL_ERROR, debug)
        needed = f"this command needs {error.name}: pip install 'trivit[{extra}]'"
        return _fail(needed, BAD_INPUT, debug)
    except MemoryError:
        return _fail("out of memory; use smaller batches or fewer images", BAD_INPUT, debug)
    except Exception as error:
        return _fail(_describe_internal(error), INTERNAL_ERROR, debug)
    finally:
        drop_unwritten()


def _invoke(app: object, words: list[str]) -> int:
    """Parse and run one command; a usage error becomes a `ToolsError`.

    Typer's own ``main`` is left out: it turns an interrupt and a broken pipe into exit statuses
    before this command can say something about them.
    """
    import typer
    from typer.exceptions import TyperException

    command = typer.main.get_command(app)  # type: ignore[arg-type]
    try:
        with command.make_context("trivit", list(words)) as context:
            result = command.invoke(context)
    except typer.Exit as done:  # --help, --version
        return done.exit_code
    except TyperException as error:  # usage errors: unknown option, missing argument, bad number
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error.format_message())
            return OK
        usage = getattr(error, "ctx", None)
        path = usage.command_path if usage else "trivit"
        raise ToolsError(f"{error.format_message().rstrip('.')} (see {path} --help)") from error
    return result if isinstance(result, int) else OK


def _describe_os_error(error: OSError) -> str:
    """``path: reason; remedy`` from an operating system error."""
    reason = (error.strerror or str(error)).lower()
    where = f"{error.filename}: " if error.filename is not None else ""
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{where}{reason}" + (f"; {remedy}" if remedy else "")


def _describe_internal(error: Exception) -> str:
    return f"internal error: {type(error).__name__}: {error} (run again with {_DEBUG} for details)"


def _fail(message: str, status: int, debug: bool) -> int:
    if debug and sys.exc_info()[0] is not None:
        print_error(traceback.format_exc().rstrip())
    print_error(f"trivit: {' '.join(message.split())}")
    return status
