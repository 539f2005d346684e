"""The picture of docs/architecture.md: which part imports which, drawn from the imports.

A part is a folder of ``models``, ``tools`` or ``host``, or a module beside the folders. Each stands
above all that it imports. An arrow is left out where others lead the same way.
"""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from trivit.tools.kernel import ROOT

PACKAGES = ("tools", "models", "host")

Imports = dict[str, set[str]]

_WIDTH, _HEIGHT, _GAP, _ROW = 118, 24, 10, 62
_COLOURS = {"tools": "#f2e3c6", "models": "#d5e5f4", "host": "#dcecd5"}
# Too small to tell anything: errors, what every part needs.
_LEFT_OUT = ("errors", "generated", "__init__")


def part_of(module: str) -> str | None:
    """Return the part that holds a module, ``models.data`` for ``trivit.models.data.store``.

    ``None`` for modules of no part.
    """
    words = module.split(".")
    if len(words) < 3 or words[0] != "trivit" or words[1] not in PACKAGES or words[2] in _LEFT_OUT:
        return None
    folder = ROOT / words[1] / words[2]
    if folder.is_dir() or folder.with_suffix(".py").is_file():
        return f"{words[1]}.{words[2]}"
    return None  # a name that the package itself defines


def read_imports(root: Path = ROOT) -> Imports:
    """Return which parts each part imports, late imports included."""
    found: Imports = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            words = ["trivit", *path.relative_to(root).with_suffix("").parts]
            own = part_of(".".join(words))
            if own is None or "build" in words:
                continue
            named = found.setdefault(own, set())
            for module in _imported(ast.parse(path.read_text(encoding="utf-8"))):
                part = part_of(module)
                if part is not None and part != own:
                    named.add(part)
    return found


def _imported(tree: ast.AST) -> Iterator[str]:
    """Yield the modules that a file imports to run, not those that it needs for its types alone.

    ``from a import b`` may name a module or not.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from _imported(node)


def reachable(imports: Mapping[str, set[str]]) -> Imports:
    """Return all parts that each part imports, directly or not."""
    closed = {part: set(named) for part, named in imports.items()}
    for middle in closed:
        for named in closed.values():
            if middle in named:
                named |= closed[middle]
    return closed


def direct(imports: Mapping[str, set[str]]) -> Imports:
    """Return the arrows that no longer way replaces."""
    closed = reachable(imports)
    return {
        part: {
            other
            for other in named
            if not any(other in closed[middle] for middle in named if middle != other)
        }
        for part, named in imports.items()
    }


def rows_of(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the parts in rows from the bottom: each above all that it imports, save in circles."""
    closed = reachable(imports)
    depth: dict[str, int] = {}

    def height(part: str) -> int:
        if part not in depth:
            depth[part] = 0
            below = [o for o in imports[part] if o in imports and part not in closed[o]]
            depth[part] = 1 + max((height(other) for other in below), default=-1)
        return depth[part]

    rows: list[list[str]] = [[] for _ in range(1 + max(map(height, imports)))]
    for part in sorted(imports, key=lambda name: (PACKAGES.index(name.split(".")[0]), name)):
        rows[depth[part]].append(part)
    return rows


def circles(imports: Mapping[str, set[str]]) -> list[str]:
    """Return the parts that import themselves, through others."""
    return sorted(part for part, named in reachable(imports).items() if part in named)


def structure_picture() -> str:
    """Return the picture as SVG."""
    return draw(read_imports())


def draw(imports: Mapping[str, set[str]]) -> str:
    """Return the picture as SVG."""
    rows = rows_of(imports)
    width = max(len(row) for row in rows) * (_WIDTH + _GAP) + _GAP
    height = len(rows) * _ROW + _GAP
    place: dict[str, tuple[float, float]] = {}
    for level, row in enumerate(reversed(rows)):
        left = (width - len(row) * (_WIDTH + _GAP) + _GAP) / 2
        for column, part in enumerate(row):
            place[part] = (left + column * (_WIDTH + _GAP), _GAP + level * _ROW)
    arrows, boxes = [], []
    for part, named in sorted(direct(imports).items()):
        for other in sorted(named & place.keys()):
            (x1, y1), (x2, y2) = place[part], place[other]
            start, end = f"{x1 + _WIDTH / 2:g},{y1 + _HEIGHT:g}", f"{x2 + _WIDTH / 2:g},{y2:g}"
            arrows.append(f'<path d="M{start} L{end}"><title>{part} imports {other}</title></path>')
    for part, (x, y) in place.items():
        package, name = part.split(".")
        boxes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="4" '
            f'fill="{_COLOURS[package]}" stroke="#777"><title>{part}</title></rect>'
            f'<text x="{x + _WIDTH / 2:g}" y="{y + 16:g}">{name}</text>'
        )
    body = "\n".join(
        [
            '<g stroke="#999" stroke-width="0.8" fill="none" marker-end="url(#tip)">',
            *arrows,
            "</g>",
            '<g font-family="sans-serif" font-size="12" text-anchor="middle">',
            *boxes,
            "</g>",
        ]
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}">\n'
        '<defs><marker id="tip" viewBox="0 0 6 6" refX="6" refY="3" markerWidth="5" '
        'markerHeight="5" orient="auto"><path d="M0,0 L6,3 L0,6 z" fill="#999"/></marker></defs>\n'
        f'<rect width="{width:g}" height="{height:g}" fill="white"/>\n{body}\n</svg>\n'
    )
