"""Text files that people made with whatever editor they have."""

from pathlib import Path

from trivit.models.errors import ModelsError


def read_text(path: Path) -> str:
    """Return a UTF-8 text, with or without a byte order mark; lines end in ``\\n``.

    Raises:
        ModelsError: unreadable, or in another encoding.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelsError(
            f"{path} is no UTF-8 text (byte {error.start}): save it in that encoding"
        ) from None
    except OSError as error:
        raise ModelsError(f"cannot read {path} ({error.strerror}): check the path") from None


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text without the space around them; blank ones at the end are none.

    Raises:
        ModelsError: as `read_text`, or a line before the last one is blank.
    """
    lines = [line.strip() for line in read_text(path).rstrip().split("\n")]
    if "" in lines and lines != [""]:
        raise ModelsError(f"{path}: line {lines.index('') + 1} is blank: remove or fill it")
    return [line for line in lines if line]
