"""What the ring of weights holds, as the engine's guard counts it."""

from __future__ import annotations

from trivit.host.generated.spec import WEIGHT_DEPTH


class Ring:
    """Matrices in the order in which they were appended, in depth words."""

    def __init__(self) -> None:
        self._held: list[tuple[str, int]] = []

    @property
    def outstanding(self) -> int:
        """Depth words that no product has released."""
        return sum(words for _, words in self._held)

    def has_room(self, words: int) -> bool:
        """Whether ``words`` more fit beside everything that is held."""
        return self.outstanding + words <= WEIGHT_DEPTH

    def holds(self, name: str) -> bool:
        """Whether matrix ``name`` was appended and not released."""
        return any(held == name for held, _ in self._held)

    def append(self, name: str, words: int) -> None:
        """Append a matrix."""
        self._held.append((name, words))

    def offset(self, name: str) -> int:
        """Return the depth words from the oldest one to the first of ``name``."""
        names = [held for held, _ in self._held]
        return sum(words for _, words in self._held[: names.index(name)])

    def release(self, name: str) -> None:
        """Let go of ``name``, which must be the oldest."""
        oldest, _ = self._held.pop(0)
        assert oldest == name, f"{oldest} is held before {name}"
