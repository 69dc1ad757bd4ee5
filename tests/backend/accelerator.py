"""A make-believe accelerator: tensors that say they are on device "meta" and compute on the host.

What a GPU would refuse is refused here too: mixing its tensors with the host's, and looking at its memory from NumPy.
So the code's device branches can run, and be compared with the host's, where there is no GPU.
"""

from __future__ import annotations

from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = "meta"
# what PyTorch itself allows between devices: copies, and indices from the host
_MAY_MIX = ("_to_copy", "copy_", "index.Tensor", "index_put_", "index_put")


def _index(index):
    """An index whose lists are tensors of the host: PyTorch would make them on its own "meta", without values."""
    if isinstance(index, tuple):
        return tuple(_index(i) for i in index)
    return torch.as_tensor(index) if isinstance(index, list) else index


class Far(torch.Tensor):
    """A tensor "on the accelerator": its values are in `near`, a tensor of the host."""

    @staticmethod
    def __new__(cls, near: torch.Tensor):
        return torch.Tensor._make_wrapper_subclass(cls, near.shape, strides=near.stride(),
                                                   storage_offset=near.storage_offset(), dtype=near.dtype,
                                                   device=DEVICE)

    def __init__(self, near: torch.Tensor):
        self.near = near

    def __getitem__(self, index):
        return super().__getitem__(_index(index))

    def __setitem__(self, index, value):
        super().__setitem__(_index(index), value)

    def __repr__(self) -> str:
        return f"Far({self.near!r})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


class _Dispatch(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _run(func, args, kwargs or {})


def _run(func, args, kwargs):
    name = str(func).removeprefix("aten.")
    given = [x for x in tree_flatten((args, kwargs))[0] if isinstance(x, torch.Tensor)]
    far = [x for x in given if isinstance(x, Far)]
    if far and not name.startswith(_MAY_MIX) and any(not isinstance(x, Far) and x.dim() for x in given):
        raise RuntimeError(f"{name}: expected all tensors on one device")
    device = kwargs.get("device")
    if device is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    elsewhere = bool(far) if device is None else torch.device(device).type == DEVICE
    near = lambda x: x.near if isinstance(x, Far) else x  # noqa: E731
    if name.startswith("_conj.") or name.startswith("conj."):  # a mark that this kind of tensor cannot carry
        func = torch.ops.aten.conj_physical.default
    out = func(*tree_map(near, args), **tree_map(near, kwargs))
    for i, x in enumerate(args):  # in place: what was given is what is returned
        if isinstance(x, torch.Tensor) and out is near(x):
            return args[i]
    if elsewhere:
        return tree_map(lambda x: Far(x) if isinstance(x, torch.Tensor) else x, out)
    return out


@contextmanager
def accelerator():
    """Within it, device "meta" is the make-believe accelerator."""
    make = torch.tensor

    def tensor(*args, device=None, **kwargs):
        made = make(*args, **kwargs)  # PyTorch makes no values for its real device "meta"
        return made if device is None else made.to(device)

    torch.tensor = tensor
    try:
        with torch.no_grad(), _Dispatch():
            yield DEVICE
    finally:
        torch.tensor = make
