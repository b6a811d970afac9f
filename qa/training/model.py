"""The reader's network: an encoder, five numbers a token, and linear layers that can learn to be 8-bit.

Outputs are the start and end logits of a single answer and the O/B/I logits of the tagging head for lists. `FakeQuant`
follows what the exported model computes, step for step (8-bit activations with one range a text, 7-bit weights with one
range a row), so that training can make up for it (quantisation-aware training: Jacob et al. 2018; the per-channel
scaling before it: SmoothQuant, Xiao et al. 2023). Seven bits for weights, because 8 × 8 bits overflow 16-bit sums on
processors without VNNI; with seven the integer sums are exact everywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel

LEVELS = 64
HEADS = ("start", "end", "outside", "begin", "inside")


class FakeQuant(nn.Linear):
    """A linear layer that can compute as its 8-bit form does; gradients pass straight through the rounding."""

    active: bool = False
    collecting: bool = False
    smooth: Tensor
    seen: Tensor
    mask: Tensor | None = None

    @staticmethod
    def take_over(layer: nn.Linear) -> FakeQuant:
        layer.__class__ = FakeQuant
        assert isinstance(layer, FakeQuant)
        layer.register_buffer("smooth", torch.ones(layer.in_features, device=layer.weight.device))
        layer.register_buffer("seen", torch.zeros(layer.in_features, device=layer.weight.device), persistent=False)
        return layer

    def forward(self, x: Tensor) -> Tensor:
        if self.collecting:
            self.seen = torch.maximum(self.seen, x.detach().float().abs().flatten(0, -2).amax(0))
        if not self.active:
            return functional.linear(x, self.weight, self.bias)
        x = x / self.smooth.to(x.dtype)
        x = x + (round_activations(x.detach(), FakeQuant.mask) - x.detach())
        weight = self.weight * self.smooth
        weight = weight + (round_weights(weight.detach()) - weight.detach())
        return functional.linear(x, weight.to(x.dtype), self.bias)


def round_activations(x: Tensor, mask: Tensor | None) -> Tensor:
    """To 256 levels between the least and the greatest value of each text (and zero), as DynamicQuantizeLinear does."""
    exact = x.float()
    inside = exact if mask is None else exact * mask[:, :, None]
    low = inside.amin(dim=(1, 2), keepdim=True).clamp(max=0)
    high = inside.amax(dim=(1, 2), keepdim=True).clamp(min=0)
    step = ((high - low) / 255).clamp(min=1e-9)
    zero = (-low / step).round().clamp(0, 255)
    return (((exact / step).round() + zero).clamp(0, 255) - zero).mul(step).to(x.dtype)


def weight_step(weight: Tensor) -> Tensor:
    return (weight.abs().amax(dim=1, keepdim=True) / LEVELS).clamp(min=1e-9)


def round_weights(weight: Tensor) -> Tensor:
    step = weight_step(weight)
    return (weight / step).round().clamp(-LEVELS, LEVELS) * step


class ReaderModel(nn.Module):
    """`forward` returns logits of shape (texts, tokens, 5), in the order of `HEADS`."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        config: Any = encoder.config
        self.encoder = encoder
        self.config = config
        self.heads = nn.Linear(config.hidden_size, len(HEADS))
        nn.init.normal_(self.heads.weight, std=0.02)
        nn.init.zeros_(self.heads.bias)
        self.quantised = [FakeQuant.take_over(m) for m in encoder.modules() if type(m) is nn.Linear]

    @property
    def typed(self) -> bool:
        """Whether the encoder is told which tokens are the question's and which the text's."""
        return getattr(self.config, "type_vocab_size", 0) > 1

    @classmethod
    def from_folder(cls, folder: str | Path) -> ReaderModel:
        """From an encoder, or from a transformers question-answering checkpoint, whose span head is kept."""
        encoder = AutoModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False)
        model = cls(encoder)
        file = Path(folder) / "model.safetensors"
        if file.exists():
            from safetensors import safe_open

            with safe_open(file, "pt") as weights, torch.no_grad():
                if "qa_outputs.weight" in set(weights.keys()):
                    model.heads.weight[:2] = weights.get_tensor("qa_outputs.weight").float()
                    model.heads.bias[:2] = weights.get_tensor("qa_outputs.bias").float()
        return model

    @classmethod
    def from_config(cls, folder: str | Path) -> ReaderModel:
        config = AutoConfig.from_pretrained(folder)
        return cls(AutoModel.from_config(config, add_pooling_layer=False))  # type: ignore[no-untyped-call]

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None) -> Tensor:
        FakeQuant.mask = attention_mask
        feed = {"token_type_ids": token_type_ids} if self.typed else {}
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **feed).last_hidden_state
        logits: Tensor = self.heads(hidden)
        return logits

    def collect(self, on: bool) -> None:
        for layer in self.quantised:
            layer.collecting = on

    def quantise(self, on: bool) -> None:
        for layer in self.quantised:
            layer.active = on

    @property
    def smoothed(self) -> bool:
        """Whether the scaling was set before."""
        return any(bool((layer.smooth != 1).any()) for layer in self.quantised)

    @torch.no_grad()
    def set_smoothing(self, strength: float = 0.5) -> None:
        """Move the spread of the activations into the weights, once for all layers that read the same input."""
        groups: dict[int, list[FakeQuant]] = {}
        by_input: dict[tuple[float, ...], int] = {}
        for n, layer in enumerate(self.quantised):
            key = tuple(layer.seen[:8].tolist())
            groups.setdefault(by_input.setdefault(key, n), []).append(layer)
        for layers in groups.values():
            spread = layers[0].seen.clamp(min=1e-5)
            columns = torch.stack([x.weight.abs().amax(0) for x in layers]).amax(0).clamp(min=1e-5)
            smooth = (spread**strength / columns ** (1 - strength)).clamp(1e-3, 1e3)
            smooth = smooth / smooth.log().mean().exp()
            for x in layers:
                x.smooth.copy_(smooth)
