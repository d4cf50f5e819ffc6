"""Plans: what every party does, and the prediction that a run is held against; one file for each protocol."""

from rasolve.plan.base import (
    ASCII,
    COMPUTING,
    DIGIT_CHANNELS,
    DIGIT_CLASSES,
    PARTY,
    PER_ROUND,
    RUNNABLE_BITS,
    Plan,
    Prediction,
    Quantity,
    Stage,
)
from rasolve.plan.dag import DagPlan, dag_prediction
from rasolve.plan.over_slots import SplitSequentialPlan
from rasolve.plan.split_federated import SplitFederatedPlan
from rasolve.plan.turns import PlannedTurns, TurnSource

__all__ = [
    "ASCII",
    "COMPUTING",
    "DIGIT_CHANNELS",
    "DIGIT_CLASSES",
    "PARTY",
    "PER_ROUND",
    "RUNNABLE_BITS",
    "DagPlan",
    "Plan",
    "PlannedTurns",
    "Prediction",
    "Quantity",
    "SplitFederatedPlan",
    "SplitSequentialPlan",
    "Stage",
    "TurnSource",
    "dag_prediction",
]
