"""What is known about a run, as plain data that a panel can draw."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Phase(Enum):
    """Where a run stands. The last three are final."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in (Phase.DONE, Phase.FAILED, Phase.CANCELLED)


@dataclass
class RunState:
    """fraction: 0..1 of the whole job. eta_s: seconds left, None while unknown. preview: path as the child gave it.

    message: the sentence to show when the phase is final. kept: finished stages that a new run will not repeat.
    """

    phase: Phase = Phase.WAITING
    device: str = ""
    device_name: str = ""
    memory_mb: int = 0
    version: str = ""
    stage: str = ""
    stage_label: str = ""
    stage_index: int = 0
    stage_count: int = 0
    fraction: float = 0.0
    eta_s: float | None = None
    preview: str = ""
    preview_label: str = ""
    preview_serial: int = 0
    warnings: list[str] = field(default_factory=list)
    message: str = ""
    detail: str = ""
    kept: list[str] = field(default_factory=list)
    finished_stages: list[str] = field(default_factory=list)
    result: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)

    def apply(self, message: dict[str, Any]) -> None:
        """Take in one checked message of the protocol."""
        kind = message["type"]
        if kind == "hello":
            self.device, self.device_name = message["device"], message["device_name"]
            self.memory_mb, self.version = message["memory_mb"], message["version"]
            if self.phase is Phase.STARTING:
                self.phase = Phase.RUNNING
        elif kind == "stage":
            # a later round may come back to a stage
            if self.stage and self.stage_label not in self.finished_stages:
                self.finished_stages.append(self.stage_label)
            self.stage, self.stage_label = message["name"], message["label"]
            self.stage_index, self.stage_count = message["index"], message["count"]
        elif kind == "progress":
            # never backwards: a bar that jumps back looks broken
            self.fraction, self.eta_s = max(self.fraction, message["fraction"]), message["eta_s"]
        elif kind == "preview":
            self.preview, self.preview_label = message["path"], message["label"]
            self.preview_serial += 1
        elif kind == "warning":
            self.warnings.append(message["message"])
        elif kind == "done":
            self.end(Phase.DONE, "")
            self.fraction, self.eta_s = 1.0, 0.0
            self.result, self.metrics = message["result"], message["metrics"]
        elif kind == "error":
            self.end(Phase.FAILED, message["message"])
            self.detail = message["detail"] or ""
        elif kind == "cancelled":
            self.kept = list(message["kept"])
            self.end(Phase.CANCELLED, cancelled_sentence(len(self.kept)))

    def end(self, phase: Phase, message: str) -> None:
        """Enter a final phase; the first one stays."""
        if not self.phase.final:
            self.phase, self.message, self.eta_s = phase, message, None


def cancelled_sentence(kept: int) -> str:
    """What a cancelled run tells its user."""
    if not kept:
        return "Cancelled; nothing was changed."
    stages = "1 finished stage is" if kept == 1 else f"{kept} finished stages are"
    return f"Cancelled; {stages} kept, press Decompose to go on from there."
