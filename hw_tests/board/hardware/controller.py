"""The AXI interrupt controller, and the UIO device of Linux behind it, on a pseudo terminal."""

from __future__ import annotations

import os
import pty
import struct
import threading
import tty

_ISR, _IPR, _IER, _IAR, _SIE, _CIE, _MER = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14, 0x1C


class UioDevice:
    """``path`` behaves like /dev/uioN: a write of 1 unmasks, a read gives a count of interrupts."""

    def __init__(self) -> None:
        self._host, self._device = pty.openpty()
        tty.setraw(self._device)
        self.path = os.ttyname(self._device)
        self._lock = threading.Lock()
        self._level = self._unmasked = False
        self._count = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def drive(self, level: bool) -> None:
        """Set the interrupt's line; Linux masks it when it has told of it."""
        with self._lock:
            self._level = level
            self._tell()

    def _listen(self) -> None:
        while True:
            try:
                word = os.read(self._host, 4)
            except OSError:
                return
            with self._lock:
                self._unmasked = any(word)
                self._tell()

    def _tell(self) -> None:
        if self._level and self._unmasked:
            self._unmasked = False
            self._count += 1
            os.write(self._host, struct.pack("<I", self._count))


class InterruptController:
    """AXI INTC with one input, for levels: ISR keeps what came until it is acknowledged."""

    def __init__(self, uio: UioDevice) -> None:
        self._uio = uio
        self._lock = threading.RLock()
        self._input = False
        self._isr = self._ier = self._mer = 0
        self.lost = False

    def drive(self, level: bool) -> None:
        """Set the input; with ``lost`` nobody is told."""
        with self._lock:
            self._input = level and not self.lost
            self._settle()

    def read(self, offset: int) -> int:
        """Return a register."""
        with self._lock:
            values = {
                _ISR: self._isr,
                _IPR: self._isr & self._ier,
                _IER: self._ier,
                _MER: self._mer,
            }
            return values.get(offset, 0)

    def write(self, offset: int, word: int) -> None:
        """Write a register."""
        with self._lock:
            if offset == _IER:
                self._ier = word & 1
            elif offset == _SIE:
                self._ier |= word & 1
            elif offset == _CIE:
                self._ier &= ~word
            elif offset == _IAR:
                self._isr &= ~word
            elif offset == _MER:
                self._mer = word & 3
            self._settle()

    def _settle(self) -> None:
        self._isr |= int(self._input)
        self._uio.drive(bool(self._isr & self._ier and self._mer == 3))
