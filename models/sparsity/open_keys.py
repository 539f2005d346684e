"""How many connections selectors leave open, as far as their numbers alone tell (no torch needed).

Behind the first selector that depends on the images: a selector drops tokens, and with them some
of the connections that earlier ones chose. Taken here is that any of the tokens is as likely to be
dropped, so that the live keys of a token follow the hypergeometric distribution.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_Shares = NDArray[np.float64]


class Choice(NamedTuple):
    """Numbers of one selector.

    Attributes:
        present: patch tokens that reach it, a fused one included.
        kept: those that stay.
        keys: connections that each of them is to keep.
        fused: 1 if it adds a fused token, which is connected with all, else 0.
    """

    present: int
    kept: int
    keys: int
    fused: int


def open_keys(choices: Sequence[Choice], *, reopens: bool, least: int = 0) -> list[float]:
    """Return the mean open keys of a kept patch token behind each selector, a fused one left out.

    Each token has a choice of its own among its live keys; fewer than asked for stay all.

    Args:
        choices: the selectors in their order.
        reopens: fewer live keys than asked for open the whole row instead.
        least: open keys of a token that would have none.
    """
    means: list[float] = []
    shares = _all(choices[0].present) if choices else np.empty(0)
    for choice in choices:
        live = shares @ _survivors(choice.present, choice.kept)
        counts = np.arange(choice.kept + 1)
        few = choice.kept if reopens else counts
        opened = np.where(counts < choice.keys, few, choice.keys).clip(least)
        shares = np.bincount(opened, live, choice.kept + 1).astype(np.float64)
        means.append(float(shares @ counts))
        if choice.fused:
            shares = np.concatenate([[0.0], shares]) * choice.kept + _all(choice.kept + 1)
            shares /= choice.kept + 1
    return means


def pooled_open_keys(choices: Sequence[Choice], *, reopens: bool) -> list[float]:
    """Return the same where a selector chooses among the keys of all tokens together.

    All images count as the mean one.
    """
    means: list[float] = []
    live = float(choices[0].present) if choices else 0.0
    for choice in choices:
        live *= choice.kept / choice.present
        opened = float(choice.keys)
        if live < choice.keys:
            opened = choice.kept if reopens else live
        means.append(opened)
        live = opened
        if choice.fused:
            live = ((opened + 1) * choice.kept + choice.kept + 1) / (choice.kept + 1)
    return means


def _all(keys: int) -> _Shares:
    """Return the shares of tokens with 0, 1, ... ``keys`` open keys, where each has all of them."""
    return np.eye(keys + 1)[keys]


@lru_cache(maxsize=256)
def _survivors(present: int, kept: int) -> _Shares:
    """Return the chance that of l live keys x survive, (present + 1, kept + 1).

    Of ``present`` tokens ``kept`` stay, whichever they are.
    """
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, present + 1)))])

    def log_choose(n: NDArray[np.int64], k: NDArray[np.int64]) -> _Shares:
        inside = (k >= 0) & (k <= n)
        k = np.where(inside, k, 0)
        return np.where(inside, log_factorial[n] - log_factorial[k] - log_factorial[n - k], -np.inf)

    live, left = np.ogrid[: present + 1, : kept + 1]
    total = log_choose(np.array(present), np.array(kept))
    return np.exp(log_choose(live, left) + log_choose(present - live, kept - left) - total)
