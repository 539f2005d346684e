"""Waiting for the accelerator's interrupt, in scripts and in notebooks alike.

PYNQ's interrupts belong to the event loop that was there when they were made. A notebook's loop
runs already and cannot be waited for, so they live in a loop of their own, in a thread.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import lru_cache
from typing import Any

#: A lost interrupt costs at most so many seconds: then the register is asked.
SLICE = 0.05
#: So late may an interrupt be, behind the end of its job, before it counts as lost.
GRACE = 0.25


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    """Return the loop of all interrupts; PYNQ keeps its UIO devices as long as the process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="trivit-interrupts", daemon=True).start()
    return loop


class InterruptLine:
    """The interrupt of one cell, ``pin`` as PYNQ names it (cell/pin)."""

    def __init__(self, interrupt: Callable[[str], Any], pin: str) -> None:
        """Make the interrupt: ``interrupt`` is pynq.Interrupt.

        Raises:
            Exception: what PYNQ raises where the design or the kernel has no such interrupt.
        """
        self.lost = 0

        async def make() -> Any:
            return interrupt(pin)

        self._interrupt = asyncio.run_coroutine_threadsafe(make(), _loop()).result()

    def wait(self, done: Callable[[], bool], seconds: float | None) -> bool:
        """Return True when ``done``, False when ``seconds`` are over before.

        The interrupt alone proves nothing, for one may be late or belong to an earlier job; and one
        that does not come is counted in ``lost``.
        """
        end = None if seconds is None else time.monotonic() + seconds
        while not done():
            left = SLICE if end is None else end - time.monotonic()
            if left <= 0:
                return False
            if not self._next(min(SLICE, left)) and done():
                # It may be on its way.
                self.lost += not self._next(GRACE)
                return True
        return True

    def _next(self, seconds: float) -> bool:
        async def wait() -> bool:
            try:
                await asyncio.wait_for(self._interrupt.wait(), seconds)
            except asyncio.TimeoutError:
                return False
            return True

        waiting: Future[bool] = asyncio.run_coroutine_threadsafe(wait(), _loop())
        return waiting.result()
