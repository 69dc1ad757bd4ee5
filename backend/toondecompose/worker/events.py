"""What the engine reports, made into messages: paced, with an estimate of the time left, and never silent."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ..formats import messages
from ..formats.messages import Message

# progress and previews are sent at most this often, s; a display that redraws faster shows nothing more
MIN_INTERVAL = 0.25
# without news the last progress is repeated after this long, s; leaves a margin below HEARTBEAT_SECONDS
_REPEAT_AFTER = messages.HEARTBEAT_SECONDS - 1.0
_MAX_WARNINGS = 100


class Eta:
    """Estimates the time left from how the fraction grew: half from the whole run, half from its recent part."""

    # before this much is known an estimate would jump about
    MIN_SECONDS, MIN_FRACTION = 2.0, 0.02
    # the recent part: at least this many seconds, and a third of the run
    RECENT_SECONDS, RECENT_SHARE = 10.0, 1 / 3

    def __init__(self, start: float):
        self._samples: deque[tuple[float, float]] = deque([(start, 0.0)])
        self._start = start

    def update(self, now: float, fraction: float) -> None:
        """Note that `fraction` (0..1) was reached at `now` (s)."""
        self._samples.append((now, fraction))
        window = max(self.RECENT_SECONDS, self.RECENT_SHARE * (now - self._start))
        while len(self._samples) > 2 and self._samples[1][0] < now - window:
            self._samples.popleft()

    def seconds(self, now: float) -> float | None:
        """Seconds left, or None while nobody can know."""
        reached, fraction = self._samples[-1]
        if now - self._start < self.MIN_SECONDS or fraction < self.MIN_FRACTION:
            return None
        # measured up to the last report: while nothing is heard, the estimate runs down like a clock
        rates = [fraction / (reached - self._start)] if reached > self._start else []
        then, before = self._samples[0]
        if reached > then and fraction > before:
            rates.append((fraction - before) / (reached - then))
        if not rates:
            return None
        left = sum((1 - fraction) / rate for rate in rates) / len(rates)
        return max(0.0, left - (now - reached))


class Events:
    """Receives the pipeline's reports and sends messages. Safe to call from any thread.

    send: takes a message. The ticking thread (start/stop, or `with`) sends what was held back, and the heartbeat.
    """

    def __init__(self, send: Callable[[Message], None], clock: Callable[[], float] = time.monotonic):
        self._send, self._clock = send, clock
        self._lock = threading.Lock()
        self._eta = Eta(clock())
        self._stage = ""
        self.label = "Starting"
        self._stages: list[str] = []
        self._fraction = 0.0
        self._news = False
        self._preview: Message | None = None
        self._warned: set[str] = set()
        self._last_paced = self._last_sent = clock()
        self._closed = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="heartbeat", daemon=True)

    def __enter__(self) -> Events:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2 * MIN_INTERVAL)

    def stage(self, name: str, label: str, index: int, count: int) -> None:
        """A stage starts."""
        with self._lock:
            self._stage, self.label = name, label
            if name not in self._stages:
                self._stages.append(name)
            self._out(messages.stage(name, label, index, count))

    def progress(self, fraction: float) -> None:
        """How far the whole job is, 0..1. Never goes back."""
        with self._lock:
            self._fraction = min(1.0, max(self._fraction, float(fraction)))
            self._eta.update(self._clock(), self._fraction)
            self._news = True
            self._flush()

    def preview(self, path: str, label: str) -> None:
        """A picture to look at; path relative to the output folder. Of several in a moment only the last is sent."""
        with self._lock:
            self._preview = messages.preview(path, label)
            self._flush()

    def warning(self, text: str) -> None:
        """A sentence for the person; the same one is sent once."""
        with self._lock:
            if text not in self._warned and len(self._warned) < _MAX_WARNINGS:
                self._warned.add(text)
                self._out(messages.warning(text))

    def last(self, message: Message) -> None:
        """Send the last message; everything after it is dropped."""
        with self._lock:
            if not self._closed:
                while self._news or self._preview is not None:
                    self._flush(at_once=True)
                self._out(message)
                self._closed = True

    def finished_stages(self) -> list[str]:
        """Names of the stages that were left behind."""
        return [name for name in self._stages if name != self._stage]

    def _out(self, message: Message) -> None:
        if not self._closed:
            self._send(message)
            self._last_sent = self._clock()

    def _flush(self, at_once: bool = False) -> None:
        now = self._clock()
        if not at_once and now - self._last_paced < MIN_INTERVAL:
            return
        if self._preview is not None:
            message, self._preview = self._preview, None
        elif self._news:
            message, self._news = messages.progress(self._stage, self._fraction, self._eta.seconds(now)), False
        else:
            return
        self._last_paced = now
        self._out(message)

    def _tick(self) -> None:
        while not self._stop.wait(MIN_INTERVAL):
            with self._lock:
                # before the first stage there is nothing to repeat: hello comes first, however slowly torch loads
                if self._stages and self._clock() - self._last_sent >= _REPEAT_AFTER:
                    self._news = True
                self._flush()
