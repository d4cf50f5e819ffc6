"""`MultipleChoice`: each client picks one of its options; costs add up, the largest delays count, links are shared."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rasolve.errors import InputError
from rasolve.forms.formulation import Form, numbers
from rasolve.forms.link import SMALLEST
from rasolve.forms.ofdma import OfdmaLink, Spectrum
from rasolve.forms.starts import places, record
from rasolve.forms.sum import Sum, Term
from rasolve.numerics import FloatArray, IntArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tail:
    """A delay of which the largest counts: weight > 0 times max_k value[k, option_k], value [K, J]."""

    weight: float
    value: FloatArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", numbers("Tail.value", self.value))


@dataclass(frozen=True, eq=False)
class Load:
    """What the options ask of one shared link: weight > 0 times the earliest deadline of the link that they make.

    Option j of client k has offset_s[k, j] and payload_bits[k, j], both [K, J]; gains, widths and powers are those of
    ``link``, whose own offsets and payloads do not matter.
    """

    weight: float
    link: OfdmaLink
    offset_s: FloatArray
    payload_bits: FloatArray

    def __post_init__(self) -> None:
        for name in ("offset_s", "payload_bits"):
            object.__setattr__(self, name, numbers(f"Load.{name}", getattr(self, name)))

    def at(self, option: IntArray) -> OfdmaLink:
        """Return the link that the picked options [K] make."""
        client = np.arange(len(option))
        return replace(
            self.link, offset_s=self.offset_s[client, option], payload_bits=self.payload_bits[client, option]
        )


@dataclass(frozen=True, eq=False)
class Menu:
    """The options of all clients: client k may pick any option j of its row that is ``allowed``.

    A pick costs constant + Σ_k cost[k, option_k] + Σ tails + Σ loads; ``cost`` and ``allowed`` are [K, J].
    """

    label: Hashable
    cost: FloatArray
    allowed: BoolArray
    tails: tuple[Tail, ...] = ()
    loads: tuple[Load, ...] = ()
    constant: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "cost", _table("Menu.cost", self.cost, None))
        object.__setattr__(self, "allowed", np.asarray(self.allowed, dtype=bool))
        if self.allowed.shape != self.cost.shape:
            raise InputError(f"Menu.allowed has shape {list(self.allowed.shape)}, needs {list(self.cost.shape)}")
        for i, tail in enumerate(self.tails):
            _table(f"Menu.tails[{i}].value", tail.value, self.cost.shape)
            _weight(f"Menu.tails[{i}].weight", tail.weight)
        for i, load in enumerate(self.loads):
            name = f"Menu.loads[{i}]"
            offset_s = _table(f"{name}.offset_s", load.offset_s, self.cost.shape)
            payload_bits = _table(f"{name}.payload_bits", load.payload_bits, self.cost.shape)
            _weight(f"{name}.weight", load.weight)
            if load.link.clients != len(self.cost):
                raise InputError(f"{name}.link has {load.link.clients} clients, needs {len(self.cost)}")
            if (offset_s < 0).any():
                raise InputError(f"{name}.offset_s must be at least 0")
            if not ((payload_bits >= SMALLEST) & (payload_bits <= 1 / SMALLEST)).all():
                raise InputError(f"{name}.payload_bits must be from {SMALLEST:g} to {1 / SMALLEST:g}")

    def fixed(self, option: IntArray) -> float:
        """Return what picked options [K] cost without the links."""
        pick = np.arange(len(option)), option
        tails = sum(tail.weight * tail.value[pick].max() for tail in self.tails)
        return float(self.constant + self.cost[pick].sum() + tails)

    def at(self, option: IntArray) -> Sum:
        """Return what picked options [K] cost, as a form: the links that they make and a constant."""
        links = [(load.weight, load.at(option)) for load in self.loads]
        return Sum(tuple(Term(weight, link, link.lower_bound()) for weight, link in links), self.fixed(option))

    def lower_bound(self) -> float:
        """Return a bound on every pick: each client its least of everything, alone on every link; inf if one has none.

        Every maximum over clients is at least the largest of the clients' least values (ours).
        """
        if not self.allowed.any(axis=1).all():
            return float("inf")
        bound = self.constant + self._least(self.cost).sum()
        bound += sum(tail.weight * self._least(tail.value).max() for tail in self.tails)
        for load in self.loads:
            if load.link.subchannels < load.link.clients:
                return float("inf")
            alone_s = load.offset_s + load.payload_bits / load.link.alone_rates()[:, None]
            bound += load.weight * self._least(alone_s).max()
        return float(bound)

    def _least(self, value: FloatArray) -> FloatArray:
        """Return the least value [K] of each client's allowed options."""
        return np.asarray(np.where(self.allowed, value, np.inf).min(axis=1))


def _table(name: str, raw: object, shape: tuple[int, ...] | None) -> FloatArray:
    """Return a table of finite numbers [K, J], of a given shape if any; raises InputError where it is none."""
    table = numbers(name, raw)
    if table.ndim != 2 or (shape is not None and table.shape != shape):
        raise InputError(f"{name} has shape {list(table.shape)}, needs [K, J], the same for all")
    if not np.isfinite(table).all():
        raise InputError(f"{name} must be finite")
    return table


def _weight(name: str, weight: float) -> None:
    if not 0 < weight < float("inf"):
        raise InputError(f"{name} = {weight!r}: must be finite and above 0")


@dataclass(frozen=True, eq=False)
class Picked:
    """The value of a multiple choice: the menu's label, each client's option [K], each link's spectrum."""

    label: Any
    option: IntArray
    spectra: tuple[Spectrum, ...] = ()


@dataclass(frozen=True, eq=False)
class MultipleChoice(Form):
    """min over menus, and over one allowed option for every client, of what the menu says; none at all: infeasible.

    Picks depend on each other through the maxima and, where there are loads, through the subchannels and the power of
    the links.
    """

    name: ClassVar[str] = "MultipleChoice"
    says: ClassVar[str] = "one option for each client: costs add up, the largest delays count, links are shared"

    menus: tuple[Menu, ...]

    def judge(self, value: Picked) -> float:
        """Return what the picks cost, inf where an option is not allowed or a spectrum breaks a limit of its link."""
        menu = next((menu for menu in self.menus if menu.label == value.label), None)
        if menu is None or not menu.allowed[np.arange(len(value.option)), value.option].all():
            return float("inf")
        links = zip(menu.loads, value.spectra, strict=True)
        delays = [load.weight * load.at(value.option).judge(spectrum) for load, spectrum in links]
        return menu.fixed(value.option) + sum(delays)

    def as_start(self, value: Any) -> Picked:
        given = record(value, Picked)
        menu = next((menu for menu in self.menus if menu.label == given.label), None)
        if menu is None:
            raise InputError(f"start: there is no menu labelled {given.label!r}")
        clients, options = menu.cost.shape
        option = places("option", given.option, (clients,), 0, options - 1)
        if len(given.spectra) != len(menu.loads):
            raise InputError(f"start: {len(given.spectra)} spectra for {len(menu.loads)} links")
        spectra = zip(menu.loads, given.spectra, strict=True)
        return Picked(given.label, option, tuple(load.link.as_start(spectrum) for load, spectrum in spectra))
