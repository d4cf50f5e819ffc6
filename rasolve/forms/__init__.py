"""Forms: the mathematical values that problems write themselves in and that solvers take."""

from rasolve.forms.blocks import Block, Blocks
from rasolve.forms.choice import Alternative, Choice, Chosen
from rasolve.forms.derivative_check import check_derivatives
from rasolve.forms.evaluation import Slopes, Values
from rasolve.forms.formulation import Form, Formulation
from rasolve.forms.ofdma import OfdmaLink, Spectrum
from rasolve.forms.shares import MinMaxShares, Shares
from rasolve.forms.smooth import SmoothProgram
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
    "Shares",
    "Slopes",
    "SmoothProgram",
    "Solution",
    "Spectrum",
    "Sum",
    "Term",
    "Termination",
    "Values",
    "check_derivatives",
    "relative_gap",
]
