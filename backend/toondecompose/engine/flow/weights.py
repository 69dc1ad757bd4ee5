"""Reading RAFT's weights: the authors' checkpoints and torchvision's, told by the names of their tensors."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import torch

from ...formats.errors import UserError, sentence_for_os_error
from .raft import Raft

# torchvision's names -> the authors'
_NAMES = (
    (r"^feature_encoder\.", "fnet."), (r"^context_encoder\.", "cnet."),
    (r"^(.net)\.conv\.", r"\1.conv2."),
    (r"convnormrelu\.0\.", "conv1."), (r"convnormrelu\.1\.", "norm1."),
    (r"convnormrelu(\d)\.0\.", r"conv\1."), (r"convnormrelu(\d)\.1\.", r"norm\1."),
    (r"^mask_predictor\.convrelu\.0\.", "update_block.mask.0."), (r"^mask_predictor\.conv\.", "update_block.mask.2."),
    (r"motion_encoder\.convcorr(\d)\.0\.", r"encoder.convc\1."),
    (r"motion_encoder\.convflow(\d)\.0\.", r"encoder.convf\1."),
    (r"motion_encoder\.conv\.0\.", "encoder.conv."),
    (r"recurrent_block\.convgru(\d)\.conv(.)\.", r"gru.conv\2\1."),
)
_SAME_TWICE = re.compile(r"\.norm[34]\.")  # the authors keep a shortcut's norm under two names; we read the other one


def read_raft(path: str | Path) -> Raft:
    """A checkpoint file -> the network it is for, on the CPU, ready to use. UserError names the file and what is
    wrong with it. Nothing in the file is executed."""
    path = Path(path)
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UserError(sentence_for_os_error(error, "read", path)) from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise UserError(f"“{path.name}” cannot be read as a file of network weights; give RAFT's .pth file as it was "
                        "downloaded.") from error
    if not isinstance(stored, dict) or not all(isinstance(v, torch.Tensor) for v in stored.values()):
        raise UserError(f"“{path.name}” holds no table of network weights; give RAFT's .pth file as it was downloaded.")
    state = {new: value for name, value in stored.items() if not _SAME_TWICE.search(new := _own_name(str(name)))}
    if "update_block.gru.convz1.weight" in state and "update_block.gru.convz2.weight" not in state:
        # the smaller network's only unit, which torchvision numbers and the authors do not
        state = {re.sub(r"(gru\.conv.)1\.", r"\1.", name): value for name, value in state.items()}
    network = Raft(small="update_block.gru.convz.weight" in state)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise UserError(f"“{path.name}” holds the weights of another network than RAFT; its known files are "
                        "raft-things.pth, raft-sintel.pth, raft-kitti.pth, raft-small.pth and torchvision's "
                        "raft_large and raft_small.") from error
    return network.eval().requires_grad_(False)


def _own_name(name: str) -> str:
    name = name.removeprefix("module.")  # of training on several GPUs
    if not name.startswith(("feature_", "context_", "mask_", "update_")):
        return name
    for pattern, ours in _NAMES:
        name = re.sub(pattern, ours, name)
    return name
