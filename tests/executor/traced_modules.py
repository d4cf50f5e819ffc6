"""Small modules that a trace must get right, each with its inputs."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class TwoInputs(nn.Module):
    """Real numbers and rows of a table, joined."""

    def __init__(self):
        super().__init__()
        self.dense, self.table, self.head = nn.Linear(4, 8), nn.Embedding(300, 8), nn.Linear(16, 3)

    def forward(self, x, rows):
        return self.head(torch.cat([self.dense(x), self.table(rows).mean(1)], 1))


class Attention(nn.Module):
    """Query, key and value of one linear map, sliced, under a mask made of the inputs."""

    def __init__(self):
        super().__init__()
        self.norm, self.qkv, self.out = nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(16, 16)

    def forward(self, x):
        with torch.no_grad():
            seen = (x.abs().sum(-1) > 0)[:, None, None, :]
        query, key, value = self.qkv(self.norm(x)).unflatten(-1, (3, 4, 4)).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        return x + self.out(mixed.transpose(1, 2).flatten(2))


class Halves(nn.Module):
    """One map in two halves, one of which is read twice; two outputs."""

    def __init__(self):
        super().__init__()
        self.both, self.left, self.right = nn.Linear(16, 32), nn.Linear(16, 16), nn.Linear(16, 16)

    def forward(self, x):
        left, right = self.both(x).chunk(2, -1)
        return self.left(left) + self.right(right), right.max(-1)


class Tokens(nn.Module):
    """A class token and torch's own encoder layers, under a padding mask."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.table = nn.Embedding(10, 16)
        self.first = nn.Parameter(torch.zeros(1, 1, 16))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, dropout=dropout) for _ in range(2)
        )

    def forward(self, tokens):
        padding = functional.pad(tokens == 0, (1, 0))
        x = torch.cat([self.first.expand(len(tokens), -1, -1), self.table(tokens)], 1)
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
        return x[:, 0]


class InPlace(nn.Module):
    """Operations that overwrite what they are given."""

    def __init__(self):
        super().__init__()
        self.conv, self.activation, self.dense, self.head = (
            nn.Conv2d(1, 4, 3),
            nn.ReLU(inplace=True),
            nn.Linear(4, 4),
            nn.Linear(4, 2),
        )

    def forward(self, x):
        y = self.conv(x)
        y += 1
        y = self.activation(y)
        return self.head(functional.relu_(self.dense(y.mean((2, 3)))))


class Shared(nn.Module):
    """A layer that is called twice, and another with the same weight."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(4, 4), nn.Linear(4, 4)
        self.other.weight = self.one.weight

    def forward(self, x):
        return self.other(functional.gelu(self.one(self.one(x))))


class Loop(nn.Module):
    """Branches and loops that depend on shapes alone, further arguments, and a detour without gradient."""

    def __init__(self):
        super().__init__()
        self.step, self.gate = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x, *more):
        for _ in range(x.shape[1] // 2):
            x = self.step(x)
        assert x.shape[0] > 1
        return self.gate(x) * torch.sigmoid(x.detach()) + torch.arange(4, device=x.device) + sum(more)


class Recurrent(nn.Module):
    """A layer with several outputs, two of them read."""

    def __init__(self):
        super().__init__()
        self.memory, self.last, self.state = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 2), nn.Linear(6, 2)

    def forward(self, x):
        outputs, (hidden, _) = self.memory(x)
        return self.last(outputs[:, -1]) + self.state(hidden[0])


def chain():
    return nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))


def modules():
    """Return every module by name, with inputs for a mini-batch of 4, in double precision."""
    torch.manual_seed(0)
    tokens = torch.randint(0, 10, (4, 5))
    made = {
        "two inputs": (TwoInputs(), (torch.randn(4, 4), torch.randint(0, 300, (4, 7)))),
        "attention": (Attention(), (torch.randn(4, 5, 16),)),
        "halves": (Halves(), (torch.randn(4, 16),)),
        "tokens": (Tokens(), (tokens,)),
        "in place": (InPlace(), (torch.randn(4, 1, 8, 8),)),
        "shared": (Shared(), (torch.randn(4, 4),)),
        "loop": (Loop(), (torch.randn(4, 4), torch.randn(4, 4))),
        "recurrent": (Recurrent(), (torch.randn(4, 5, 4),)),
        "chain": (chain(), (torch.randn(4, 1, 8, 8),)),
        "heads": (nn.MultiheadAttention(16, 2, batch_first=True), (torch.randn(4, 5, 16),) * 3),
    }

    def double(x):
        return x.double() if x.is_floating_point() else x

    return {name: (module.double(), tuple(map(double, inputs))) for name, (module, inputs) in made.items()}
