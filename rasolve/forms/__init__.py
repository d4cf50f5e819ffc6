"""Forms: the mathematical values that problems write themselves in and that solvers take."""

from rasolve.forms.blocks import Block, Blocks
from rasolve.forms.choice import Alternative, Choice, Chosen
from rasolve.forms.formulation import Form, Formulation
from rasolve.forms.ofdma import OfdmaLink, Spectrum
from rasolve.forms.separable import Response, Separable, Slots
from rasolve.forms.shares import MinMaxShares, Shares
from rasolve.forms.solution import BoundKind, Progress, Solution, Termination, relative_gap
from rasolve.forms.sum import Sum, Term

__all__ = [
    "Alternative",
    "Block",
    "Blocks",
    "BoundKind",
    "Choice",
    "Chosen",
    "Form",
    "Formulation",
    "MinMaxShares",
    "OfdmaLink",
    "Progress",
    "Response",
    "Separable",
    "Shares",
    "Slots",
    "Solution",
    "Spectrum",
    "Sum",
    "Term",
    "Termination",
    "relative_gap",
]
