"""Decoders with grouped-query attention and gated MLPs, of which Llama-3.2-1B is one, as profiles in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasolve.scenario.workload import LABEL_INDEX_BYTES, Profile


@dataclass(frozen=True)
class GatedDecoder:
    """J blocks of width d on n tokens: h heads in g groups with common keys and values, an MLP of `hidden` channels."""

    name: str
    blocks: int
    width: int
    heads: int
    groups: int
    hidden: int
    tokens: int
    vocabulary: int

    @property
    def says(self) -> str:
        """The shape in words."""
        shape = f"{self.blocks} blocks of width {self.width}, {self.heads} heads in {self.groups} groups"
        return f"{shape}, gated MLP of {self.hidden}, {self.tokens} tokens, vocabulary {self.vocabulary}"

    def profile(self, parameter_bits: int = 32) -> Profile:
        """Return the profile with frozen weights and LoRA on query and value (ours, counted in the tests).

        With k = d·g/h the width of keys and values and i the MLP's: forward 2·n·(2·d² + 2·d·k + 3·d·i) + 4·n²·d,
        LoRA 2·n·(3·d + k) and 3·d + k parameters per unit of rank. Backward: once the linear maps, twice attention and
        LoRA; the lowest block spares the input gradients of query, key and value, those of the keys, and those of both
        down-projections. Kept, in numbers: 6·n·d + h·n² + 3·n·i + 2·n, the lowest block 2·n·d + n fewer; LoRA 2·n per
        unit of rank.
        """
        n, d, i, size = self.tokens, self.width, self.hidden, parameter_bits // 8
        k = d * self.groups // self.heads
        same, lowest = np.ones(self.blocks), np.arange(self.blocks) == 0
        linear, params = 2.0 * n * (2 * d * d + 2 * d * k + 3 * d * i), 2 * d * d + 2 * d * k + 3 * d * i + 2 * d
        kept = 6.0 * n * d + self.heads * n * n + 3 * n * i + 2 * n - lowest * (2.0 * n * d + n)
        head_flops = 2.0 * n * d * self.vocabulary
        return Profile(
            model=self.name,
            forward_flops=same * (linear + 4 * n * n * d),
            backward_flops=linear + 8.0 * n * n * d - lowest * (2.0 * n * (d * d + 2 * d * k) + 2.0 * n * n * d),
            activation_bits=np.full(self.blocks + 1, float(n * d * parameter_bits)),
            weight_bytes=same * (params * size),
            saved_activation_bytes=kept * size,
            params=same * params,
            adapter_forward_flops=same * (2 * n * (3 * d + k)),
            adapter_backward_flops=4 * n * (3 * d + k) - lowest * (4.0 * n * d),
            adapter_params=same * (3 * d + k),
            adapter_saved_bytes=same * (2 * n * size),
            head_forward_flops=head_flops,
            head_backward_flops=head_flops,
            head_saved_bytes=float((n * d + n + n * self.vocabulary) * size + n * LABEL_INDEX_BYTES),
            embedding_bytes=float(self.vocabulary * d * size),
            head_bytes=float((self.vocabulary + 1) * d * size),
            parameter_bits=parameter_bits,
        )


LLAMA_1B = GatedDecoder(
    name="llama-3.2-1b", blocks=16, width=2048, heads=32, groups=8, hidden=8192, tokens=512, vocabulary=128256
)
"""Llama-3.2-1B (published shape); 512 tokens in a sample (ours)."""
