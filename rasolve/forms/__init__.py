"""Forms: the mathematical values that problems write themselves in and that solvers take."""

from rasolve.forms.batch import BatchSolution, Rows
from rasolve.forms.blocks import Block, Blocks
from rasolve.forms.choice import Alternative, Choice, Chosen
from rasolve.forms.closed_set import ClosedSet
from rasolve.forms.derivative_check import check_derivatives
from rasolve.forms.evaluation import Slopes, Values
from rasolve.forms.fdma import FdmaAllocation, FdmaShares
from rasolve.forms.fixed_density import FixedDensityLink
from rasolve.forms.formulation import Form, Formulation
from rasolve.forms.link import Link
from rasolve.forms.mip import MixedIntegerProgram
from rasolve.forms.multiple_choice import Load, Menu, MultipleChoice, Picked, Tail
from rasolve.forms.network import CutNetwork, Wiring
from rasolve.forms.ofdma import OfdmaLink, Spectrum
from rasolve.forms.precedence import Precedence
from rasolve.forms.response import Response
from rasolve.forms.separable import Separable
from rasolve.forms.shares import MinMaxShares, Shares
from rasolve.forms.slots import Slots
from rasolve.forms.smooth import SmoothProgram
from rasolve.forms.solution import BoundKind, Progress, Solution, Termination, relative_gap
from rasolve.forms.sum import Sum, Term

__all__ = [
    "Alternative",
    "BatchSolution",
    "Block",
    "Blocks",
    "BoundKind",
    "Choice",
    "Chosen",
    "ClosedSet",
    "CutNetwork",
    "FdmaAllocation",
    "FdmaShares",
    "FixedDensityLink",
    "Form",
    "Formulation",
    "Link",
    "Load",
    "Menu",
    "MinMaxShares",
    "MixedIntegerProgram",
    "MultipleChoice",
    "OfdmaLink",
    "Picked",
    "Precedence",
    "Progress",
    "Response",
    "Rows",
    "Separable",
    "Shares",
    "Slopes",
    "Slots",
    "SmoothProgram",
    "Solution",
    "Spectrum",
    "Sum",
    "Tail",
    "Term",
    "Termination",
    "Values",
    "Wiring",
    "check_derivatives",
    "relative_gap",
]
