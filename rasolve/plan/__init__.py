"""Plans: what every party does, and the prediction that a run is held against; one file for each protocol."""

from rasolve.plan.base import PARTY, PER_ROUND, RUNNABLE_BITS, Plan, Prediction, Quantity, Stage
from rasolve.plan.dag import DagPlan, dag_prediction
from rasolve.plan.over_slots import SplitSequentialPlan
from rasolve.plan.split_federated import ASCII, DIGIT_CHANNELS, DIGIT_CLASSES, SplitFederatedPlan

__all__ = [
    "ASCII",
    "DIGIT_CHANNELS",
    "DIGIT_CLASSES",
    "PARTY",
    "PER_ROUND",
    "RUNNABLE_BITS",
    "DagPlan",
    "Plan",
    "Prediction",
    "Quantity",
    "SplitFederatedPlan",
    "SplitSequentialPlan",
    "Stage",
    "dag_prediction",
]
