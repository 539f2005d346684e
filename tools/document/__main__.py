"""``python -m trivit.tools.document``: write the derived parts of the documentation again."""

from trivit.models.files import atomic_write
from trivit.tools.document import DERIVED, written

for page in DERIVED:
    text = written(page)
    if text != page.read_text(encoding="utf-8"):
        with atomic_write(page) as temporary:
            temporary.write_text(text, encoding="utf-8")
        print(f"{page}: written")
