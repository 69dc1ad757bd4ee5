"""RAFT (Teed and Deng 2020, "Recurrent All-Pairs Field Transforms for Optical Flow"): the network, both sizes.

Written after the paper; modules are named as in the authors' checkpoints, so that those load as they are. The network
finds for every pixel of one picture where it is in the other: features of both pictures at an eighth of their size,
the products of all pairs of features, and a recurrent unit that looks up the products around its guess and mends it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = 4  # of the pyramid of products
UPDATES = 12  # rounds of mending, as in the paper's training
SHRINK = 8  # features per px, in each direction
LEAST = SHRINK * 2**LEVELS  # px: on anything smaller the pyramid's last level has one value, and no place in it


class Residual(nn.Module):
    """Residual block of the larger encoder: two 3 x 3 convolutions."""

    def __init__(self, inside: int, out: int, stride: int, norm: type[nn.Module]):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inside, out, 3, stride, 1), norm(out)
        self.conv2, self.norm2 = nn.Conv2d(out, out, 3, 1, 1), norm(out)
        self.downsample = None if stride == 1 else nn.Sequential(nn.Conv2d(inside, out, 1, stride), norm(out))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        return F.relu((x if self.downsample is None else self.downsample(x)) + y)


class Bottleneck(nn.Module):
    """Residual block of the smaller encoder: a 3 x 3 convolution of a quarter of the channels."""

    def __init__(self, inside: int, out: int, stride: int, norm: type[nn.Module]):
        super().__init__()
        few = out // 4
        self.conv1, self.norm1 = nn.Conv2d(inside, few, 1), norm(few)
        self.conv2, self.norm2 = nn.Conv2d(few, few, 3, stride, 1), norm(few)
        self.conv3, self.norm3 = nn.Conv2d(few, out, 1), norm(out)
        self.downsample = None if stride == 1 else nn.Sequential(nn.Conv2d(inside, out, 1, stride), norm(out))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        y = F.relu(self.norm2(self.conv2(y)))
        y = F.relu(self.norm3(self.conv3(y)))
        return F.relu((x if self.downsample is None else self.downsample(x)) + y)


class Encoder(nn.Module):
    """Pictures [n, 3, h, w], -1..1 -> features [n, out, h / 8, w / 8]."""

    def __init__(self, block: type[nn.Module], widths: tuple[int, int, int], out: int, norm: type[nn.Module]):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, widths[0], 7, 2, 3), norm(widths[0])
        before = (widths[0], *widths)
        self.layer1, self.layer2, self.layer3 = (
            nn.Sequential(block(before[i], w, 1 if i == 0 else 2, norm), block(w, w, 1, norm))
            for i, w in enumerate(widths))
        self.conv2 = nn.Conv2d(widths[2], out, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm1(self.conv1(x)))
        return self.conv2(self.layer3(self.layer2(self.layer1(x))))


class Motion(nn.Module):
    """Products around the guess [n, taps, h, w] and the guessed flow [n, 2, h, w] -> what the recurrent unit reads.

    widths: of the products' one or two convolutions, of the flow's two, and of the result without the flow."""

    def __init__(self, taps: int, products: tuple[int, ...], flow: tuple[int, int], out: int):
        super().__init__()
        self.convc1 = nn.Conv2d(taps, products[0], 1)
        self.convc2 = nn.Conv2d(products[0], products[1], 3, 1, 1) if len(products) > 1 else None
        self.convf1 = nn.Conv2d(2, flow[0], 7, 1, 3)
        self.convf2 = nn.Conv2d(flow[0], flow[1], 3, 1, 1)
        self.conv = nn.Conv2d(products[-1] + flow[1], out, 3, 1, 1)

    def forward(self, products: Tensor, flow: Tensor) -> Tensor:
        c = F.relu(self.convc1(products))
        if self.convc2 is not None:
            c = F.relu(self.convc2(c))
        f = F.relu(self.convf2(F.relu(self.convf1(flow))))
        return torch.cat([F.relu(self.conv(torch.cat([c, f], 1))), flow], 1)


class GRU(nn.Module):
    """Convolutional gated recurrent unit: one of 3 x 3, or one along rows and then one along columns."""

    def __init__(self, hidden: int, inside: int, separable: bool):
        super().__init__()
        kernels = {"1": (1, 5), "2": (5, 1)} if separable else {"": (3, 3)}
        self.names = tuple(kernels)
        for name, kernel in kernels.items():
            for gate in "zrq":
                padding = (kernel[0] // 2, kernel[1] // 2)
                self.add_module(f"conv{gate}{name}", nn.Conv2d(hidden + inside, hidden, kernel, 1, padding))

    def forward(self, h: Tensor, x: Tensor) -> Tensor:
        for name in self.names:
            z_of, r_of, q_of = (getattr(self, f"conv{gate}{name}") for gate in "zrq")
            both = torch.cat([h, x], 1)
            z, r = torch.sigmoid(z_of(both)), torch.sigmoid(r_of(both))
            h = (1 - z) * h + z * torch.tanh(q_of(torch.cat([r * h, x], 1)))
        return h


class FlowHead(nn.Module):
    """The recurrent unit's state -> by how much the guess is mended, [n, 2, h, w] px of features."""

    def __init__(self, hidden: int, between: int):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(hidden, between, 3, 1, 1), nn.Conv2d(between, 2, 3, 1, 1)

    def forward(self, h: Tensor) -> Tensor:
        return self.conv2(F.relu(self.conv1(h)))


class Update(nn.Module):
    """The parts of one round of mending. mask: what tells the weights of the enlarged flow, in the larger network."""

    def __init__(self, encoder: Motion, gru: GRU, flow_head: FlowHead, mask: nn.Module | None):
        super().__init__()
        self.encoder, self.gru, self.flow_head = encoder, gru, flow_head
        if mask is not None:
            self.mask = mask


class Raft(nn.Module):
    """forward: two pictures float32 [n, 3, h, w], -1..1 (h and w multiples of 8, at least 128 px) -> the flow from the
    first to the second, float32 [n, 2, h, w], x and y in px."""

    def __init__(self, small: bool = False):
        super().__init__()
        self.small = small
        self.radius = 3 if small else 4
        self.hidden, context = (96, 64) if small else (128, 128)
        taps = LEVELS * (2 * self.radius + 1) ** 2
        if small:
            self.fnet = Encoder(Bottleneck, (32, 64, 96), 128, nn.InstanceNorm2d)
            self.cnet = Encoder(Bottleneck, (32, 64, 96), self.hidden + context, nn.Identity)
            self.update_block = Update(Motion(taps, (96,), (64, 32), 80), GRU(96, 82 + context, False),
                                       FlowHead(96, 128), None)
        else:
            self.fnet = Encoder(Residual, (64, 96, 128), 256, nn.InstanceNorm2d)
            self.cnet = Encoder(Residual, (64, 96, 128), self.hidden + context, nn.BatchNorm2d)
            self.update_block = Update(
                Motion(taps, (256, 192), (128, 64), 126), GRU(128, 128 + context, True), FlowHead(128, 256),
                nn.Sequential(nn.Conv2d(128, 256, 3, 1, 1), nn.ReLU(), nn.Conv2d(256, SHRINK**2 * 9, 1)))

    def forward(self, first: Tensor, second: Tensor, updates: int = UPDATES) -> Tensor:
        fmap = self.fnet(torch.cat([first, second]))
        pyramid = products(*fmap.chunk(2))
        state, context = self.cnet(first).split([self.hidden, self.cnet.conv2.out_channels - self.hidden], 1)
        state, context = torch.tanh(state), F.relu(context)
        h, w = state.shape[-2:]
        y, x = torch.meshgrid(torch.arange(h, device=first.device), torch.arange(w, device=first.device), indexing="ij")
        start = torch.stack([x, y]).float()[None].expand(len(first), -1, -1, -1)
        flow = torch.zeros_like(start)
        block = self.update_block
        for _ in range(updates):
            near = look_up(pyramid, start + flow, self.radius)
            state = block.gru(state, torch.cat([context, block.encoder(near, flow)], 1))
            flow = flow + block.flow_head(state)
        return bilinear_growth(flow) if self.small else convex_growth(flow, 0.25 * block.mask(state))


def products(a: Tensor, b: Tensor) -> list[Tensor]:
    """Features [n, c, h, w] of two pictures -> a pyramid of the products of all pairs, [n h w, 1, h / 2^l, w / 2^l]
    (paper, section 3.2)."""
    n, c, h, w = a.shape
    all_pairs = (a.flatten(2).transpose(1, 2) @ b.flatten(2)).view(n * h * w, 1, h, w) / c**0.5
    pyramid = [all_pairs]
    while len(pyramid) < LEVELS:
        pyramid.append(F.avg_pool2d(pyramid[-1], 2))
    return pyramid


def look_up(pyramid: list[Tensor], at: Tensor, radius: int) -> Tensor:
    """The products within radius of each place [n, 2, h, w], px of features -> [n, levels (2 radius + 1)^2, h, w].

    The taps run down the columns first, as the published weights expect; beyond the picture they are 0."""
    n, _, h, w = at.shape
    step = torch.arange(-radius, radius + 1, device=at.device, dtype=at.dtype)
    taps = torch.stack(torch.meshgrid(step, step, indexing="ij"), -1)  # the slow index moves x
    place = at.permute(0, 2, 3, 1).reshape(-1, 1, 1, 2)
    found = []
    for level, table in enumerate(pyramid):
        size = torch.tensor([table.shape[-1] - 1, table.shape[-2] - 1], device=at.device, dtype=at.dtype)
        grid = 2 * (place / 2**level + taps) / size - 1
        found.append(F.grid_sample(table, grid, align_corners=True).view(n, h, w, -1))
    return torch.cat(found, -1).permute(0, 3, 1, 2)


def bilinear_growth(flow: Tensor) -> Tensor:
    """Flow at an eighth of the size -> flow of the pictures, eight times as long."""
    return SHRINK * F.interpolate(flow, scale_factor=SHRINK, mode="bilinear", align_corners=True)


def convex_growth(flow: Tensor, mask: Tensor) -> Tensor:
    """The same, each px a mean of the 3 x 3 around it with weights of its own, mask [n, 8 * 8 * 9, h, w] (paper,
    appendix B)."""
    n, _, h, w = flow.shape
    weights = mask.view(n, 1, 9, SHRINK, SHRINK, h, w).softmax(2)
    around = F.unfold(SHRINK * flow, 3, padding=1).view(n, 2, 9, 1, 1, h, w)
    return (weights * around).sum(2).permute(0, 1, 4, 2, 5, 3).reshape(n, 2, SHRINK * h, SHRINK * w)
