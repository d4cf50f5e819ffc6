"""Rival: the whole link as one mixed-integer convex program, solved by outer approximation with HiGHS.

    min τ   subject to   Σ n_k <= M,   Σ p_k <= P,   P_k(n_k, τ) <= p_k <= cap_k,   n_k whole

P_k is jointly convex in (n, τ) (see `benchmarks.link`), so every tangent plane of it is a valid cut and nothing but
these planes is relaxed (Duran and Grossmann, 1986). First tangents where the continuous relaxation stands, then one MIP
after another, each with tangents at the last one's counts. What comes back:

- the *bound* is the dual bound of a relaxation, valid up to HiGHS's feasibility tolerance, at any time limit;
- the *objective* is never HiGHS's own: the counts of its solution are judged by the true rate with optimal power.

When both meet within the asked gap, the optimum is proved: the method is exact, not an approximation. To be fair to it,
counts are bounded by what the incumbent's deadline allows, the incumbent is handed to every MIP, tangents are scaled
rows around quantities of order one, and the model is built by arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import highspy
import numpy as np

from benchmarks.link import FlatLink
from rasolve.forms import BoundKind, OfdmaLink, Solution, Spectrum, Termination
from rasolve.numerics import FloatArray, IntArray

GAP = 1e-6
"""Relative gap asked of the MIP: HiGHS's tolerances leave little meaning in a smaller one."""
FEASIBILITY = 1e-9
"""Primal and integrality tolerance of HiGHS, in scaled rows (its tightest allowed is 1e-10)."""
RELAXED_ENOUGH = 1e-3
"""Relative excess of power at which tangents to the continuous relaxation stop paying."""
MOST_RELAXATIONS = 60


class Master:
    """HiGHS's model: columns n (K), p as a fraction of the total (K), and τ as a fraction of the first incumbent."""

    def __init__(self, link: FlatLink, unit_s: float) -> None:
        self._link, self._unit_s = link, unit_s
        form = link.form
        self._clients = form.clients
        self._highs = highspy.Highs()
        for option, value in (
            ("output_flag", False),
            ("mip_rel_gap", GAP / 10),
            ("mip_abs_gap", 0.0),
            ("mip_feasibility_tolerance", FEASIBILITY),
            ("primal_feasibility_tolerance", FEASIBILITY),
        ):
            self._highs.setOptionValue(option, value)
        self._highs.passModel(self._columns_and_budgets(*self._count_range(unit_s), form.lower_bound() / unit_s))

    def _count_range(self, deadline: float) -> tuple[IntArray, IntArray]:
        """Return the fewest and most subchannels of each client in any plan that meets the deadline."""
        form = self._link.form
        least = np.ones(form.clients, dtype=np.int64)
        while (short := self._link.alone(least) > deadline * (1 + FEASIBILITY)).any():
            least += short
        return least, form.subchannels - (least.sum() - least)

    def _columns_and_budgets(self, least: IntArray, most: IntArray, earliest: float) -> highspy.HighsLp:
        K, form = self._clients, self._link.form
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = 2 * K + 1, 2
        lp.col_cost_ = np.append(np.zeros(2 * K), 1.0)
        lp.col_lower_ = np.concatenate([least, np.zeros(K), [earliest]]).astype(float)
        lp.col_upper_ = np.concatenate([most, self._link.cap_w / form.total_power_w, [1.0]]).astype(float)
        lp.row_lower_ = np.full(2, -highspy.kHighsInf)
        lp.row_upper_ = np.array([form.subchannels, 1.0])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.array([0, K, 2 * K])
        lp.a_matrix_.index_ = np.arange(2 * K)
        lp.a_matrix_.value_ = np.ones(2 * K)
        return lp

    def add_tangents(self, counts: FloatArray | IntArray, deadline: float) -> None:
        """Add for every client the tangent of P_k at its count and the deadline.

        Where the cap does not suffice, the tangent is taken at the deadline that the cap attains: that cuts the point
        off as well, and its coefficients stay of moderate size.
        """
        link, K, total = self._link, self._clients, self._link.form.total_power_w
        at = np.maximum(deadline, link.alone(counts))
        spare = at - link.form.offset_s
        nats = link.load / (counts * spare)
        power = link.power(counts, at) / total
        by_count = link.noise_w * (np.expm1(nats) - nats * np.exp(nats)) / total
        by_time = -link.noise_w * counts * nats * np.exp(nats) / spare / total * self._unit_s
        size = np.maximum(1.0, np.maximum(-by_count, -by_time))
        rows = np.stack([np.ones(K), -by_count, -by_time], axis=1) / size[:, None]
        columns = np.stack([K + np.arange(K), np.arange(K), np.full(K, 2 * K)], axis=1)
        least = (power - by_count * counts - by_time * at / self._unit_s) / size
        starts = np.arange(0, 3 * K, 3, dtype=np.int32)
        top = np.full(K, highspy.kHighsInf)
        self._highs.addRows(K, least, top, 3 * K, starts, columns.ravel().astype(np.int32), rows.ravel())

    def ask_for_whole_counts(self) -> None:
        """Make the counts integer."""
        K = self._clients
        self._highs.changeColsIntegrality(K, np.arange(K, dtype=np.int32), [highspy.HighsVarType.kInteger] * K)

    def start(self, counts: IntArray, deadline: float) -> None:
        """Hand HiGHS a plan to begin with."""
        solution = highspy.HighsSolution()
        power = self._link.power(counts, deadline) / self._link.form.total_power_w
        solution.col_value = [*counts.tolist(), *power.tolist(), deadline / self._unit_s]
        self._highs.setSolution(solution)

    def solve(self, seconds: float) -> tuple[FloatArray | None, float, float]:
        """Return the counts (None if HiGHS found none), their deadline in the model, and the dual bound [s]."""
        self._highs.setOptionValue("time_limit", seconds)
        self._highs.run()
        info = self._highs.getInfo()
        found = np.asarray(self._highs.getSolution().col_value)
        whole = self._highs.getLp().integrality_ != []
        bound = info.mip_dual_bound if whole else info.objective_function_value
        if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
            return None, float("inf"), bound * self._unit_s if whole else 0.0
        return found[: self._clients], float(found[-1]) * self._unit_s, bound * self._unit_s


def outer_approximation(form: OfdmaLink, time_limit: float = 60.0, gap: float = GAP) -> Solution:
    """Return the best plan and the proved bound of the link after at most about `time_limit` seconds.

    HiGHS looks at its clock only now and then: `seconds` of the solution is what it really took.
    """
    began = perf_counter()

    def left() -> float:
        return time_limit - (perf_counter() - began)

    link = FlatLink(form)
    counts = link.equal_counts()
    objective, spectrum = link.attained(counts)
    master = Master(link, objective)
    master.add_tangents(counts, objective)
    bound, iterations = _relax(master, link, max(form.lower_bound(), 0.0), left), 0
    master.ask_for_whole_counts()
    while left() > 0 and objective - bound > gap * objective:
        master.start(counts, objective)
        found, deadline, proved = master.solve(left())
        bound, iterations = max(bound, proved), iterations + 1
        if found is None:
            break
        tried = np.rint(found).astype(np.int64)
        attained, plan = link.attained(tried)
        if attained < objective:
            counts, objective, spectrum = tried, attained, plan
        master.add_tangents(tried, deadline)
        master.add_tangents(tried, attained)
    return _solution(spectrum, objective, bound, gap, iterations, perf_counter() - began)


def _relax(master: Master, link: FlatLink, bound: float, left: Callable[[], float]) -> float:
    """Add tangents at optima of the continuous relaxation and return its bound."""
    for _ in range(MOST_RELAXATIONS):
        if left() <= 0:
            break
        counts, deadline, proved = master.solve(left())
        if counts is None:
            break
        bound = max(bound, proved)
        if link.power(counts, deadline).sum() <= link.form.total_power_w * (1 + RELAXED_ENOUGH):
            break
        master.add_tangents(counts, deadline)
    return bound


def _solution(spectrum: Spectrum, objective: float, bound: float, gap: float, iterations: int, s: float) -> Solution:
    bound = min(bound, objective)
    return Solution(
        value=spectrum,
        objective=objective,
        bound=bound,
        bound_kind=BoundKind.PROVED,
        termination=Termination.OPTIMAL if objective - bound <= gap * objective else Termination.TIME_LIMIT,
        solver="outer approximation (HiGHS)",
        iterations=iterations,
        seconds=s,
    )
