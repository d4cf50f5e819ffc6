"""Pictures over time slots and of fronts: what is drawn is what was computed."""

import numpy as np
import pytest

import rasolve as ra
from rasolve import plots
from rasolve.errors import InputError
from rasolve.forms.queues import queue_path
from tests.plots.test_plots import assert_within


@pytest.fixture
def drawn(monkeypatch):
    """Return the list that figures are put into instead of being written; nothing sticks out of them."""
    figures = []
    for module in ("path", "sweep", "front"):
        monkeypatch.setattr(f"rasolve.plots.{module}.save", lambda figure, path: figures.append(figure) or path)
    yield figures
    for figure in figures:
        assert_within(figure)


@pytest.fixture(scope="module")
def problem():
    return ra.AdaptiveSplit.sample(seed=0, slots=80, cuts=range(1, 13))


def test_queues_show_running_means_budget_bound_and_queue(problem, drawn):
    result = ra.solve(problem, "drift_plus_penalty")
    plots.queues(problem, result, "queues.png")
    delay, energy, queue = drawn[0].axes
    parts = result.evaluation.parts
    assert delay.lines[0].get_ydata()[-1] == pytest.approx(result.objective)
    assert delay.lines[1].get_ydata()[0] == pytest.approx(max(result.bound, problem.lower_bound()))
    assert energy.lines[0].get_ydata()[-1] == pytest.approx(parts["energy_j"].mean())
    assert energy.lines[1].get_ydata()[0] == pytest.approx(problem.energy_budget_j)
    path = queue_path(parts["energy_j"], problem.budgets_j)[1:, 0]
    assert queue.lines[0].get_ydata() == pytest.approx(path)
    assert [text.get_text() for text in queue.get_legend().get_texts()] == ["queue", "V times the\nbest multiplier"]


def test_queues_of_a_fleet_are_relative_to_each_budget(drawn):
    fleet = ra.ParallelAdaptiveSplit.sample(seed=0, slots=8, devices=3, cuts=(3, 6, 9))
    plots.queues(fleet, ra.solve(fleet, "baseline:fixed-6"), "queues.png")
    _, energy, _ = drawn[0].axes
    used = ra.solve(fleet, "baseline:fixed-6").evaluation.parts["energy_j"].mean(axis=0) / fleet.energy_budget_j
    assert [line.get_ydata()[-1] for line in energy.lines[:3]] == pytest.approx(used)


def test_the_tradeoff_stands_above_its_bound(problem, drawn):
    plots.tradeoff(problem, "tradeoff.png", v=[3.0, 30.0, 300.0])
    (axes,) = drawn[0].axes
    lines = {line.get_label(): line for line in axes.lines}
    bound = lines["proved bound at that energy, all slots known"]
    points = lines["drift plus penalty"]
    at_points = np.interp(points.get_xdata(), bound.get_xdata(), bound.get_ydata())
    assert (points.get_ydata() >= at_points * (1 - 1e-2)).all() and len(points.get_xdata()) == 3
    assert (np.diff(bound.get_ydata()) <= 1e-9).all(), "more energy, less delay"
    with pytest.raises(InputError, match="parallel-adaptive-split has 4 budgets: a trade-off is drawn for one"):
        plots.tradeoff(ra.ParallelAdaptiveSplit.sample(slots=2), "tradeoff.png")
    with pytest.raises(InputError, match="fedsllm has no time slots to draw"):
        plots.tradeoff(ra.FedsLLM.sample(), "tradeoff.png")


@pytest.mark.parametrize("channel", ["good", "normal"])
def test_the_front_goes_through_the_chosen_point(channel, drawn):
    p = ra.CutAndClock.sample(seed=1, rounds=2, channel=channel)
    result = ra.solve(p)
    plots.pareto(p, result, "pareto.png", round_=1, device=3)
    (axes,) = drawn[0].axes
    lines = {line.get_label(): line for line in axes.lines}
    ((x,), (y,)) = lines["chosen"].get_data()
    scale = x / result.evaluation.parts["delay_s"][1, 3]
    front = p.front(1, 3)
    delays, energies, _ = front.points(4000)
    near = np.abs(delays * scale - x) + np.abs(energies / energies.max() - y / (energies.max() * _scale(axes)))
    assert near.min() < 2e-2 * x
    assert any(label.startswith("front, cut") for label in lines)
    for bad, message in (({"round_": 2}, "round 3: there are 2"), ({"device": 5}, "device 6: there are 5")):
        with pytest.raises(InputError, match=message):
            plots.pareto(p, result, "pareto.png", **bad)


def test_a_front_may_be_one_point(drawn):
    p = ra.CutAndClock.sample(seed=1, rounds=2, channel="poor")
    assert p.front(1, 3).cut.tolist() == [16], "the link is so slow that the device alone is best at everything"
    plots.pareto(p, ra.solve(p), "pareto.png", round_=1, device=3)
    assert len(drawn[0].axes) == 1


def _scale(axes):
    """Return units of the vertical axis for each joule."""
    unit = axes.get_ylabel().split("[")[1].rstrip("]")
    return {"J": 1.0, "kJ": 1e-3, "MJ": 1e-6}[unit]


def test_other_problems_have_no_front():
    p = ra.AdaptiveSplit.sample(slots=3)
    with pytest.raises(InputError, match="adaptive-split has no front of delay and energy to draw"):
        plots.pareto(p, ra.solve(p), "pareto.png")
