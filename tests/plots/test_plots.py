"""Pictures show the numbers they are made of, and nothing sticks out of them."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import rasolve as ra
from rasolve import plots
from rasolve.plots.delay import WAITED_FOR
from rasolve.surrogate_models.fitting import rounds_from_runs
from rasolve.surrogate_models.time import time_model_of
from tests.surrogate_models.made_up import SETTINGS, TARGET
from tests.surrogate_models.made_up import drawn as drawn_runs
from tests.surrogate_models.test_time import HERE, model_of


def small(clients=4, **sizes):
    return ra.FedsLLM.sample(seed=1, clients=clients, model="gpt-mini", **sizes)


@pytest.fixture
def drawn(monkeypatch):
    """Return the list that figures are put into instead of being written."""
    figures = []
    for module in ("delay", "rounds", "steps", "time"):
        monkeypatch.setattr(f"rasolve.plots.{module}.save", lambda figure, path: figures.append(figure) or path)
    return figures


def assert_within(figure):
    FigureCanvasAgg(figure).draw()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height


def ends(axes, label):
    """Return where the bars of a stage end."""
    [container] = [c for c in axes.containers if c.get_label() == label]
    return np.array([bar.get_x() + bar.get_width() for bar in container])


def test_bars_end_when_stages_end(drawn):
    problem = small(downlink=True)
    result = ra.solve(problem, "baseline:equal")
    plots.delay_by_stage(problem, result, "picture.png")
    parts = result.evaluation.parts
    step, aggregation = drawn[0].axes
    in_ms = 1e3
    uploaded = parts["client_forward_s"] + parts["upload_s"]
    assert np.allclose(ends(step, "activations up"), in_ms * uploaded)
    served = uploaded.max() + parts["server_s"]
    assert np.allclose(ends(step, "server"), in_ms * served)
    finished = served + parts["gradient_s"] + parts["client_backward_s"]
    assert np.allclose(ends(step, "client backward"), in_ms * finished)
    assert np.isclose(in_ms * finished.max(), in_ms * parts["local_step_s"])
    assert len(ends(aggregation, "adapters up")) == 4
    marked = [line.get_ydata()[0] for line in step.lines if line.get_label() == WAITED_FOR]
    assert marked == [uploaded.argmax(), finished.argmax()]


@pytest.mark.parametrize(
    ("clients", "sizes"), [(1, {}), (5, {"regime": "narrowband"}), (12, {"downlink": True}), (60, {"subchannels": 80})]
)
def test_nothing_sticks_out(drawn, clients, sizes):
    problem = small(clients, **sizes)
    best = ra.solve(problem)
    plots.delay_by_stage(problem, ra.solve(problem, "baseline:equal"), "delay.png")
    plots.convergence(problem, ra.solve(problem, "alternating"), "alternating.png", best=best)
    plots.convergence(problem, best, "enumeration.png")
    assert len(drawn) == 3
    for figure in drawn:
        assert_within(figure)


def test_convergence_shows_blocks_bound_and_optimum(drawn):
    problem = small()
    best, heuristic = ra.solve(problem), ra.solve(problem, "alternating")
    plots.convergence(problem, heuristic, "picture.png", best=best)
    [axes] = drawn[0].axes
    lines = {line.get_label(): np.asarray(line.get_ydata(), dtype=float) for line in axes.lines}
    assert {"start", "main subchannels", "power", "cut", "rank", "proved bound on the way", "proved optimum"} <= set(
        lines
    )
    scale = lines["start"][0] / heuristic.history[0].objective
    assert np.allclose(lines["proved optimum"], scale * best.objective)
    shown = np.sort(
        np.concatenate([lines[name] for name in ("main subchannels", "federated subchannels", "power", "cut", "rank")])
    )
    assert np.allclose(shown, np.sort([scale * line.objective for line in heuristic.history[1:]]))


def test_foreign_results_and_problems_are_refused(tmp_path):
    problem = small()
    with pytest.raises(ra.InfeasibleError):
        crowded = small(30)
        plots.delay_by_stage(crowded, ra.solve(crowded), tmp_path / "picture.png")
    with pytest.raises(ra.InputError, match="no history"):
        result = ra.solve(problem).replace(history=()).of(problem)
        plots.convergence(problem, result, tmp_path / "picture.png")


def made_up_rounds():
    runs = drawn_runs(np.random.default_rng(0), {1: 30.0, 2: 22.0, 4: 15.0, 8: 12.0}, seeds=3, most_rounds=34)
    return rounds_from_runs(runs, "gpt-mini", SETTINGS, TARGET)


def test_the_curve_of_rounds_shows_runs_interval_and_target(drawn):
    rounds = made_up_rounds()
    plots.rounds_by_rank(rounds, "rounds.png", before=rounds)
    losses, curve = drawn[0].axes
    lines = {line.get_label(): line for line in [*losses.lines, *curve.lines]}
    assert list(lines["fitted: median over seeds"].get_ydata()) == [rounds(rank) for rank in rounds.table]
    assert set(np.asarray(lines["target"].get_ydata())) == {TARGET}
    crossings = rounds.evidence.crossings()
    points = [line for line in curve.lines if len(line.get_xdata()) == 1]
    assert sorted(line.get_ydata()[0] for line in points) == sorted(crossing.rounds for crossing in crossings)
    hollow = [line for line in points if line.get_markerfacecolor() == "white"]
    assert len(hollow) == sum(not crossing.reached for crossing in crossings) == len(curve.texts) > 0
    assert_within(drawn[0])


def test_rounds_without_runs_have_no_picture(tmp_path):
    with pytest.raises(ra.InputError, match="placeholder rounds for gpt-mini have no runs to draw"):
        plots.rounds_by_rank(small().rounds, tmp_path / "rounds.png")


def test_times_stand_over_their_prediction(drawn):
    model = time_model_of(*model_of(np.random.default_rng(0), 0.2), HERE)
    plots.time_fit(model, "time.png")
    [axes] = drawn[0].axes
    measured = np.concatenate([container.lines[0].get_ydata() for container in axes.containers])
    assert np.allclose(np.sort(measured), np.sort(np.median(model.seconds, axis=1)))
    assert axes.get_xscale() == axes.get_yscale() == "log"
    widths = [f"width {32 * 2 ** (i % 4)}, batch {i}" for i in range(30)]
    plots.time_fit(model.replace(names=widths), "time.png")
    assert [len(figure.axes[0].containers) for figure in drawn] == [1, 4]
    for figure in drawn:
        assert_within(figure)
