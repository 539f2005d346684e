"""Parts of the documentation that are derived from the code: commands, registered methods."""

from trivit.tools.document.pages import DERIVED, written

__all__ = ["DERIVED", "written"]
