"""Whatever is given to start from, every form takes it or refuses it in one line, whichever solver is asked."""

import numpy as np
import pytest

import rasolve as ra
from rasolve.errors import InputError
from rasolve.forms import Chosen, FdmaAllocation, Picked, Shares, Spectrum
from rasolve.solvers.registry import solvers_for
from tests.instances import density_link, link, multiple_choice, shares
from tests.test_conformance import EXAMPLES

JUNK = [
    3,
    "x",
    object(),
    {},
    (1, 2),
    [None, None],
    [1, [2]],
    np.array([[np.nan]]),
    np.full(500, 7),
    FdmaAllocation(None, None),
    FdmaAllocation(["a"], [1.0]),
    Spectrum(np.full(10, 99), np.full(10, np.nan)),
    Spectrum(np.zeros(2, int), np.zeros(2)),
    Shares(np.zeros(3), np.zeros(3)),
    Picked("none", np.zeros(2, int)),
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_junk_is_refused_in_one_line_by_every_solver(name):
    form = EXAMPLES[name][-1]
    for solver in solvers_for(form):
        for junk in JUNK:
            with pytest.raises(InputError) as caught:
                ra.solve(form, solver.name, start=junk)
            assert str(caught.value).startswith("start: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_a_form_was_answered_can_be_started_from(name):
    form = EXAMPLES[name][-1]
    first = ra.solve(form)
    assert ra.solve(form, start=first.value).objective <= first.objective


@pytest.mark.parametrize(
    ("form", "start", "message"),
    [
        (shares(0), 3, "start: a value of type FdmaAllocation is needed, not int"),
        (shares(0), FdmaAllocation(np.ones(3), np.ones(4)), "start: bandwidth_hz has shape [3], needs [4]"),
        (shares(0), FdmaAllocation(np.ones(4), "loud"), "start: power_w must be an array of numbers"),
        (link(0), Spectrum(np.full(6, 3), np.ones(6)), "start: owner holds 3: must be from 0 to 2"),
        (link(0), Spectrum(np.full(6, -1), np.ones(6)), "start: owner holds -1: must be from 0 to 2"),
        (density_link(0), np.full(6, -2), "start: owner holds -2: must be from -1 to 2"),
        (density_link(0), np.zeros(6), "start: owner must be an array of whole numbers"),
        (EXAMPLES["ClosedSet"][0], [1, 0, 0, 0, 0], "start: value must be an array of true and false"),
        (EXAMPLES["Sum"][0], [1], "start: a sequence of 2 values is needed, one for each term"),
        (EXAMPLES["Choice"][0], Chosen(0, 3), "start: a value of type Spectrum is needed, not int"),
        (multiple_choice(0), Picked("none", [0]), "start: there is no menu labelled 'none'"),
    ],
)
def test_a_start_that_does_not_fit_is_named(form, start, message):
    with pytest.raises(InputError) as caught:
        ra.solve(form, start=start)
    assert str(caught.value) == message


def test_lists_are_taken_as_arrays():
    form, given = shares(0), FdmaAllocation([1.0] * 4, [1e-3] * 4)
    assert ra.solve(form, start=given).objective == pytest.approx(ra.solve(form).objective, rel=1e-9)


@pytest.mark.parametrize("start", [3, "xy", {}, ra.Result])
def test_starts_of_a_batch_are_a_sequence(start):
    for instances in ([shares(0), shares(1)], [ra.FedsLLM.sample(), ra.FedsLLM.sample(seed=1)]):
        with pytest.raises(InputError, match=r"start: a sequence with one value for each of the (forms|problems)"):
            ra.solve_batch(instances, start=start)


def test_starts_of_a_batched_form_are_of_one_kind():
    batch = ra.forms.FdmaShares(np.zeros((2, 3)), *np.full((2, 3), 1e6), 1.0, np.ones(3), 1e6, 1.0)
    for start in (["x", "y"], [3, 4], []):
        with pytest.raises(InputError, match="start: one value for each instance of the batch is needed"):
            ra.solve_batch(batch, start=start)
    with pytest.raises(InputError, match="start: a value of type FdmaAllocation is needed, not int"):
        ra.solve_batch(batch, start=3)
