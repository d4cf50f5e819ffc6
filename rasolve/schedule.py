"""When everybody is done: a local step and a round composed of the seconds that each party spends in each stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from rasolve.numerics import FloatArray
from rasolve.plan import Stage


@dataclass(frozen=True, eq=False)
class Schedule:
    """Seconds of one local step and of one aggregation, by stage: arrays [K] of the clients, a number of the server.

    T_local = max_k ( forward_k + upload_k ) + server + max_k ( gradient_k + backward_k )
    T_round = I·T_local + max_k adapters_up_k + max_k adapters_down_k                          (published, FedsLLM)
    """

    forward: FloatArray
    upload: FloatArray
    server: float
    gradient: FloatArray
    backward: FloatArray
    adapters_up: FloatArray
    adapters_down: FloatArray

    @classmethod
    def of(cls, clients: int, seconds: Mapping[tuple[str, str], float]) -> Self:
        """Return the schedule of seconds by (party, stage), per local step or per round; what is absent takes none.

        The upload is that of activations and labels; adapters are whatever a client trains, whole weights included.
        """

        def each_client(stage: Stage) -> FloatArray:
            return np.array([seconds.get((f"client {k}", stage), 0.0) for k in range(1, clients + 1)])

        return cls(
            forward=each_client(Stage.CLIENT_FORWARD),
            upload=each_client(Stage.ACTIVATIONS) + each_client(Stage.LABELS),
            server=seconds.get(("server", Stage.SERVER), 0.0),
            gradient=each_client(Stage.GRADIENTS),
            backward=each_client(Stage.CLIENT_BACKWARD),
            adapters_up=each_client(Stage.ADAPTERS_UP) + each_client(Stage.WEIGHTS_UP),
            adapters_down=each_client(Stage.ADAPTERS_DOWN) + each_client(Stage.WEIGHTS_DOWN),
        )

    @property
    def arrived_s(self) -> float:
        """When the last client's upload of a local step has arrived, and the server starts."""
        return float((self.forward + self.upload).max())

    @property
    def served_s(self) -> float:
        """When the server has served everybody in a local step, and gradients leave."""
        return self.arrived_s + self.server

    @property
    def step_s(self) -> float:
        """Seconds of a local step."""
        return self.served_s + float((self.gradient + self.backward).max())

    @property
    def aggregation_s(self) -> float:
        """Seconds of the adapters' way up and down."""
        return float(self.adapters_up.max() + self.adapters_down.max())

    def round_s(self, local_steps: int) -> float:
        """Return the seconds of a round of so many local steps."""
        return local_steps * self.step_s + self.aggregation_s
