"""Whether a graph is being recorded, in which case a function must not branch on the values of its tensors."""

from contextlib import AbstractContextManager, nullcontext

import torch


def recording() -> bool:
    """Return True inside torch.compile, torch.export, torch.jit.trace and the ONNX exporters.

    A recorded graph must hold for other inputs than the one it was recorded with, so functions that in eager mode read
    a phase as a Python number (to copy blocks instead of gathering single pixels) take their tensor-only form there.
    """
    tracing: bool = torch.jit.is_tracing()  # type: ignore[attr-defined]
    return tracing or torch.compiler.is_compiling() or torch.onnx.is_in_onnx_export()


def without_gradients() -> AbstractContextManager[object]:
    """Compute no gradients inside the with; a recorded graph does not say so, since torch.export.load may refuse that.

    >>> with without_gradients():
    ...     torch.is_grad_enabled()
    False
    """
    return nullcontext() if recording() else torch.no_grad()


def known_at_most(width: int, size: int) -> bool:
    """Whether a width is at most a size, whatever size a recorded graph will meet.

    >>> known_at_most(3, 4), known_at_most(3, 2)
    (True, False)
    """
    fits = width <= size
    if isinstance(fits, torch.SymBool):  # then the module below is loaded, which takes half a second
        return torch.fx.experimental.symbolic_shapes.statically_known_true(fits)
    return bool(fits)
