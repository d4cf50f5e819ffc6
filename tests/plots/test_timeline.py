"""The timeline shows the run's seconds, and nothing sticks out of it."""

import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import rasolve as ra
from rasolve import plots
from rasolve.executor.report import Report, Row
from rasolve.plan import Stage


def report(clients=3, rounds=1, downlink=True, slower=1.0):
    """Return a report with seconds by hand: client k takes k ms in every stage, measured `slower` times as long."""
    in_step = [Stage.CLIENT_FORWARD, Stage.ACTIVATIONS, Stage.LABELS, Stage.CLIENT_BACKWARD]
    in_round = [Stage.ADAPTERS_UP]
    if downlink:
        in_step.append(Stage.GRADIENTS)
        in_round.append(Stage.ADAPTERS_DOWN)
    steps = 2

    def row(party, stage, ms, times):
        seconds = 1e-3 * ms * times
        return Row(party=party, stage=stage, quantity="seconds", predicted=seconds, measured=slower * seconds)

    rows = [row("server", Stage.SERVER, 5, steps)]
    for k in range(1, clients + 1):
        rows += [row(f"client {k}", stage, k, steps) for stage in in_step]
        rows += [row(f"client {k}", stage, k, rounds) for stage in in_round]
    return Report(
        problem="fedsllm", solver="by hand", protocol="split_federated", model="gpt-mini", batch_size=1, local_steps=2,
        cut=[1] * clients, rank=[1], rounds=rounds, rows=rows, loss=[1.0] * steps, data="none",
        dtype="float32", seed=0, learning_rate=0.1, wall_seconds=1.0,
    )  # fmt: skip


@pytest.fixture
def drawn(monkeypatch):
    """Return the list that figures are put into instead of being written."""
    figures = []
    module = sys.modules["rasolve.plots.timeline"]  # the package's attribute of that name is the function
    monkeypatch.setattr(module, "save", lambda figure, path: figures.append(figure) or path)
    return figures


def bars(axes, label):
    """Return starts and ends [ms] and rows of a stage's bars."""
    [container] = [c for c in axes.containers if c.get_label() == label]
    spans = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in container]
    rows = [bar.get_y() + bar.get_height() / 2 for bar in container]
    return 1e3 * np.array(spans), np.array(rows)


def test_bars_stand_where_stages_start_and_end(drawn):
    plots.timeline(report(slower=2.0), "picture.png")
    step, aggregation = drawn[0].axes
    k = np.array([1, 2, 3])
    for source, slower in (("predicted", 1), ("measured", 2)):
        label = {"predicted": "_{} predicted", "measured": "{}"}[source]
        found = {
            stage: bars(axes, label.format(stage))
            for axes, stages in (
                (step, ("client forward", "activations and labels up", "server", "gradients down", "client backward")),
                (aggregation, ("adapters up", "adapters down")),
            )
            for stage in stages
        }
        expected = {
            "client forward": (0 * k, k),
            "activations and labels up": (k, 3 * k),
            "server": ([9], [14]),
            "gradients down": (14 + 0 * k, 14 + k),
            "client backward": (14 + k, 14 + 2 * k),
            "adapters up": (0 * k, k),
            "adapters down": (3 + 0 * k, 3 + k),
        }
        for stage, (start, end) in expected.items():
            spans, rows = found[stage]
            assert np.allclose(spans, slower * np.column_stack([start, end])), stage
            below = np.sign(rows - np.round(rows))
            assert (below == (1 if source == "measured" else -1)).all(), stage
            assert np.round(rows).tolist() == ([3] if stage == "server" else [0, 1, 2])
    instants = sorted({1e3 * line.get_xdata()[0] for line in step.lines})
    assert np.allclose(instants, [18, 28, 40])
    assert "46 ms predicted, 92 ms measured" in drawn[0].get_suptitle()


def test_the_axis_has_the_unit_of_its_end(drawn):
    plots.timeline(report(), "picture.png")
    step, aggregation = drawn[0].axes
    assert (
        step.get_xlabel() == "time in a local step [ms]" and aggregation.get_xlabel() == "adapters, once a round [ms]"
    )
    FigureCanvasAgg(drawn[0]).draw()
    shown = [float(tick.get_text()) for tick in step.get_xticklabels()]
    assert shown[0] == 0 and 10 < shown[-1] <= 1.03 * 20


@pytest.mark.parametrize(
    ("clients", "rounds", "downlink"), [(1, 1, True), (3, 0, True), (5, 1, False), (12, 1, True), (60, 1, True)]
)
def test_nothing_sticks_out_and_nothing_overlaps(drawn, clients, rounds, downlink):
    plots.timeline(report(clients, rounds, downlink), "picture.png")
    [figure] = drawn
    FigureCanvasAgg(figure).draw()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
    assert len(figure.axes) == 1 + rounds
    [legend] = figure.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert ("gradients down" in names) == downlink and ("adapters up" in names) == (rounds > 0)
    below = legend.get_window_extent().y1
    assert all(axes.get_tightbbox().y0 >= below for axes in figure.axes)
    labels = [axes.xaxis.label.get_window_extent() for axes in figure.axes]
    assert len(labels) == 1 or labels[0].x1 < labels[1].x0
    assert labels[-1].x1 <= figure.bbox.x1


def test_a_report_without_seconds_is_refused(tmp_path):
    silent = report().replace(rows=[row for row in report().rows if row.quantity != "seconds"])
    with pytest.raises(ra.InputError, match="this report has no seconds of split training to draw"):
        plots.timeline(silent, tmp_path / "picture.png")


def test_weights_that_travel_are_called_so(drawn):
    names = {Stage.ADAPTERS_UP: Stage.WEIGHTS_UP, Stage.ADAPTERS_DOWN: Stage.WEIGHTS_DOWN}
    told = report(clients=1)
    rows = [row.replace(stage=names.get(row.stage, row.stage)) for row in told.rows]
    plots.timeline(told.replace(rows=rows), "picture.png")
    assert drawn[0].axes[1].get_xlabel() == "weights, once a round [ms]"
    labels = [text.get_text() for text in drawn[0].legends[0].get_texts()]
    assert {"weights up", "weights down"} <= set(labels) and "adapters up" not in labels


def test_a_picture_is_written(tmp_path):
    assert plots.timeline(report(), tmp_path / "timeline.png").stat().st_size > 10_000
    with pytest.raises(ra.InputError, match="cannot write"):
        plots.timeline(report(), tmp_path / "absent" / "timeline.png")
