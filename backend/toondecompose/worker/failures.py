"""One sentence for whatever ended a run; the trace is the log's business."""

from __future__ import annotations

from ..formats.errors import UserError, sentence_for_os_error

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "insufficient memory", "alloc_cpu", "failed to allocate",
                  "unable to allocate")
_GPU = ("cuda", "hip", "mps", "gpu")


def sentence_for(error: BaseException, stage: str) -> str:
    """The sentence for an animator. stage: the label of the stage that failed, e.g. 'Finding layers'."""
    if isinstance(error, UserError):
        return error.sentence
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(sign in text for sign in _OUT_OF_MEMORY):
        if any(sign in text for sign in _GPU):
            return (f"The GPU ran out of memory in “{stage}”; choose the device CPU or the quality Preview, "
                    "or close other programs that use the GPU.")
        return (f"The computer ran out of memory in “{stage}”; choose the quality Preview, take fewer or smaller "
                "frames, or close other programs.")
    if isinstance(error, OSError):
        return sentence_for_os_error(error, "read or written")
    if isinstance(error, ImportError):
        return (f"The backend's Python has no module “{error.name or error}”; install the backend again, "
                "or run “toondecompose doctor” to see what is missing.")
    return f"Something unexpected failed in “{stage}”; the log has the details."
