"""How many connections selectors leave open, as far as their numbers alone tell (no torch needed).

Behind the first selector that depends on the images: a selector drops tokens, and with them some
of the connections that earlier ones chose. Taken here is that any of the tokens is as likely to be
dropped, so that the live keys of a token follow the hypergeometric distribution.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trivit.models.methods.counts import Selection

_Shares = NDArray[np.float64]


def open_keys(selections: Sequence[Selection], *, reopens: bool, least: int = 0) -> list[float]:
    """Return the mean open keys of a kept patch token behind each selector, a fused one left out.

    Each token has a choice of its own among its live keys; fewer than asked for stay all.

    Args:
        selections: the selectors in their order.
        reopens: fewer live keys than asked for open the whole row instead.
        least: open keys of a token that would have none.
    """
    means: list[float] = []
    shares = _all(selections[0].count) if selections else np.empty(0)
    for selection in selections:
        keys = selection.keys
        assert keys is not None  # connections are selected
        live = shares @ _survivors(selection.count, selection.keep)
        alive = np.arange(selection.keep + 1)
        opened = np.where(alive < keys, selection.keep if reopens else alive, keys).clip(least)
        shares = np.bincount(opened, live, selection.keep + 1).astype(np.float64)
        means.append(float(shares @ np.arange(selection.keep + 1)))
        if selection.fused:
            shares = np.concatenate([[0.0], shares]) * selection.keep + _all(selection.keep + 1)
            shares /= selection.keep + 1
    return means


def pooled_open_keys(selections: Sequence[Selection], *, reopens: bool) -> list[float]:
    """Return the same where a selector chooses among the keys of all tokens together.

    All images count as the mean one.
    """
    means: list[float] = []
    live = float(selections[0].count) if selections else 0.0
    for selection in selections:
        keys = selection.keys
        assert keys is not None  # connections are selected
        live *= selection.keep / selection.count
        opened = float(keys)
        if live < keys:
            opened = selection.keep if reopens else live
        means.append(opened)
        live = opened
        if selection.fused:
            live = ((opened + 1) * selection.keep + selection.keep + 1) / (selection.keep + 1)
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
