from dataclasses import dataclass

import numpy as np
import pytest

import rasolve as ra
from rasolve.errors import InputError, SolverUnavailable
from rasolve.forms import Form, MinMaxShares, OfdmaLink, Shares, Spectrum, Termination
from rasolve.solvers import BatchState, Solver
from rasolve.solvers import registry as solver_registry
from tests.instances import link

WORK = np.random.default_rng(0).uniform(1, 9, (6, 4))


def shares(work=WORK, budget=2.0):
    """Return a batch whose optimum is known: Σ work/τ <= budget and work/τ <= 1."""
    return MinMaxShares(
        lambda tau: work / tau[..., None], np.zeros(work.shape[:-1]), np.full(work.shape[:-1], budget), np.ones(4)
    )


def test_a_batched_form_gives_each_instance_its_own_solution():
    batch = ra.solve_batch(shares())
    best = np.maximum(WORK.sum(1) / 2, WORK.max(1))
    assert batch.objective == pytest.approx(best, rel=1e-12) and (batch.gap <= 1e-12).all()
    assert len(batch) == 6 and batch.termination is Termination.OPTIMAL
    for i, solution in enumerate(batch):
        assert solution.objective == batch.objective[i] and solution.bound == batch.bound[i]
        assert solution.termination is Termination.OPTIMAL and solution.gap <= 1e-12
        assert isinstance(solution.value, Shares) and solution.value.share == pytest.approx(WORK[i] / best[i])
        alone = ra.solve(shares(WORK[i]))
        assert solution.objective == pytest.approx(alone.objective, rel=1e-12)
        assert solution.multipliers["budget"] == pytest.approx(float(alone.multipliers["budget"]))
    assert batch[-1].objective == batch.objective[5]
    with pytest.raises(IndexError):
        batch[6]


def test_leading_dimensions_may_be_several():
    batch = ra.solve_batch(shares(WORK.reshape(2, 3, 4)))
    assert batch.objective.shape == (2, 3) and batch.terminations.shape == (2, 3) and len(batch) == 6
    assert batch[4].objective == batch.objective[1, 1]
    assert batch.values.arrays.share.shape == (2, 3, 4)


def test_one_that_is_infeasible_leaves_the_others_their_verdict():
    never = np.asarray([[5.0, 5.0], [1.0, 1.0]])
    form = MinMaxShares(
        lambda tau: np.where(never > 2, never, never / tau[..., None]), np.zeros(2), np.ones(2), np.full(2, 9.0)
    )
    batch = ra.solve_batch(form)
    assert [t.value for t in batch.terminations] == ["infeasible", "optimal"]
    assert batch[0].value is None and batch[0].multipliers == {} and batch.termination is Termination.INFEASIBLE
    assert batch.objective[1] == pytest.approx(2.0)


def test_limits_hold_for_the_batch():
    rushed = ra.solve_batch(shares(), max_iterations=1)
    assert rushed.iterations == 1 and (rushed.bound <= rushed.objective).all()
    assert set(rushed.terminations) <= {Termination.ITERATION_LIMIT, Termination.OPTIMAL}
    rough = ra.solve_batch(shares(), gap=0.9)
    assert (rough.gap <= 0.9).all() and set(rough.terminations) <= {Termination.GAP_REACHED, Termination.OPTIMAL}
    heard = []
    ra.solve_batch(shares(), callback=heard.append)
    assert len(heard) == ra.solve_batch(shares()).iterations


def test_solvers_without_a_batch_say_so():
    with pytest.raises(SolverUnavailable, match="solver 'greedy' takes no batch of Link: solve them one by one"):
        ra.solve_batch([link(0), link(1)], "greedy")
    with pytest.raises(SolverUnavailable, match="solver 'greedy' takes no batch of OfdmaLink"):
        ra.solve_batch(link(0), "greedy")
    with pytest.raises(SolverUnavailable, match="solver 'deadline' takes no batch of MinMaxShares"):
        ra.solve_batch([shares(WORK[0]), shares(WORK[1])])


@pytest.mark.parametrize(
    ("forms", "message"),
    [
        ([], "instances is empty: at least one is needed"),
        ([link(0), 3], "instances holds 3: a form or a problem"),
        (ra.FedsLLM, "instances holds"),
        ([link(0), shares()], r"forms\[1\] is a MinMaxShares, forms\[0\] a OfdmaLink: one kind is needed"),
    ],
)
def test_what_does_not_go_together_is_refused(forms, message):
    with pytest.raises(InputError, match=message):
        ra.solve_batch(forms)


@dataclass(frozen=True, eq=False)
class Links(Form):
    """Several links side by side, for these tests: only what the protocol needs."""

    links: tuple[OfdmaLink, ...]


@dataclass(frozen=True)
class EqualTogether(Solver[Links, BatchState]):
    name = "equal_together"
    form = Links
    purpose = "equal shares of many links at once, for these tests"
    batched = True

    def init(self, form, limits):
        values = [self._equal(link) for link in form.links]
        objectives = np.asarray([link.objective(s) for link, s in zip(form.links, values, strict=True)])
        bounds = np.asarray([link.lower_bound() for link in form.links])
        value = Spectrum(*(np.stack([getattr(s, f) for s in values]) for f in ("owner", "psd_w_per_hz")))
        return BatchState(value, float(objectives.max()), float(bounds.max()), objectives, bounds)

    @staticmethod
    def _equal(link):
        owner = np.arange(link.subchannels) % link.clients
        return link.within_limits(Spectrum(owner, np.full(link.subchannels, 1.0)))

    def step(self, form, state, limits):
        return state

    def done(self, form, state, limits):
        return True


@dataclass(frozen=True)
class Equal(EqualTogether):
    name = "equal"
    form = OfdmaLink
    batched = False

    def alike(self, form):
        return form.gain.shape

    def together(self, forms):
        return EqualTogether(), Links(tuple(forms))


def test_a_sequence_is_solved_in_one_run_for_each_shape_and_answered_in_order(monkeypatch):
    monkeypatch.setattr(solver_registry, "_registered", {**solver_registry.solvers(), "equal": Equal})
    forms = [link(0, 3, 6), link(1, 2, 5), link(2, 3, 6), link(3, 2, 5)]
    batch = ra.solve_batch(forms, "equal")
    assert len(batch) == 4
    for form, solution in zip(forms, batch, strict=True):
        assert form.objective(solution.value) == solution.objective
        assert solution.bound == form.lower_bound()
    assert ra.solve_batch(forms[::2], "equal").values.arrays.owner.shape == (2, 6)
    with pytest.raises(InputError, match="start: 1 values for 4 forms"):
        ra.solve_batch(forms, "equal", start=[batch[0].value])
    with pytest.raises(InputError, match="start: every form needs a value to start from"):
        ra.solve_batch(forms, "equal", start=[batch[0].value, None, None, None])
    with pytest.raises(SolverUnavailable, match="solver 'counts' cannot take form 1: gains differ"):
        ra.solve_batch([link(0), link(0, selective=True)], "counts")
