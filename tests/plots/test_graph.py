"""The picture of a split model: everything is there, in its place, and nothing lies over anything else."""

import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import rasolve as ra
from rasolve import plots
from rasolve.plots.captions import parts_of
from rasolve.plots.graph import TIERS, SplitGraph, draw
from rasolve.plots.lanes import NEAR, route
from rasolve.plots.layout import LONGEST_ROW, layered, spread
from rasolve.plots.style import VERMILLION
from rasolve.scenario.graph import graph_named

DIAMOND = np.array([[0, 1], [1, 2], [1, 3], [2, 4], [3, 4], [0, 4]])


def split(profile, share):
    """Return the picture of a shipped model with a share of its layers on the device."""
    tier = (np.arange(profile.vertices) >= max(1, share * profile.vertices)).astype(int)
    work = profile.forward_flops + profile.backward_flops
    return SplitGraph(profile.names, profile.edges, tier, 8 * profile.output_bits, work, f"{profile.model} by hand")


def random_split(layers, width, tiers=2):
    problem = ra.DagSplit.sample(seed=0, layers=layers, width=width)
    tier = np.arange(layers) * tiers // layers
    names = tuple(f"layer {v}" for v in range(layers))
    return SplitGraph(names, problem.edges, tier, problem.output_bits, problem.server_seconds, "random")


@pytest.fixture
def drawn(monkeypatch):
    """Return the list that figures are put into instead of being written."""
    figures = []
    monkeypatch.setattr(sys.modules["rasolve.plots.graph"], "save", lambda figure, path: figures.append(figure) or path)
    return figures


def test_columns_are_longest_paths_and_lone_vertices_on_the_axis():
    layout = layered(DIAMOND, 5)
    assert layout.column.tolist() == [0, 1, 2, 2, 3] and layout.rows == 1
    assert layout.height.tolist() == [0, 0, 0.5, -0.5, 0]
    profile = graph_named("densenet121")
    wrapped = layered(profile.edges, profile.vertices)
    place = wrapped.row * wrapped.columns + wrapped.column
    assert (place[profile.edges[:, 0]] < place[profile.edges[:, 1]]).all()
    assert wrapped.columns <= LONGEST_ROW and wrapped.rows == 5
    for v in range(1, profile.vertices):
        assert place[v] == 1 + max(place[profile.edges[profile.edges[:, 1] == v, 0]])


def test_branches_stay_beside_each_other():
    profile = graph_named("googlenet")
    layout = layered(profile.edges, profile.vertices)
    at = {name: (int(layout.column[v]), float(layout.height[v])) for v, name in enumerate(profile.names)}
    for branch in ("three", "five"):
        first, second = at[f"inception4b.{branch}.0.conv"], at[f"inception4b.{branch}.1.conv"]
        assert second[0] == first[0] + 1 and second[1] == pytest.approx(first[1])
    heights = sorted(at[f"inception4b.{name}"][1] for name in ("one.conv", "three.0.conv", "five.0.conv", "pool.0"))
    assert np.diff(heights).tolist() == pytest.approx([1, 1, 1])


def test_spread_is_the_nearest_arrangement_that_fits():
    wanted, width = np.array([0.0, 0.1, 5.0]), np.array([1.0, 1.0, 2.0])
    assert spread(wanted, width).tolist() == pytest.approx([-0.45, 0.55, 5.0])
    assert spread(wanted, width, low=0.0).tolist() == pytest.approx([0.5, 1.5, 5.0])
    assert spread(wanted, width, high=4.0).tolist() == pytest.approx([-0.45, 0.55, 3.0])
    assert spread(wanted, width, low=0.0, high=4.0).tolist() == pytest.approx([0.5, 1.5, 3.0])


def test_edges_do_not_run_through_marks():
    for name in ("resnet50", "gpt2-s", "googlenet"):
        profile = graph_named(name)
        layout = layered(profile.edges, profile.vertices)
        for parent, child in profile.edges.tolist():
            for arc in route(layout, parent, child).arcs:
                t = np.linspace(0.02, 0.98, 60)[:, None]
                a, b, c, d = (np.array(point) for point in (arc.start, *arc.controls, arc.end))
                curve = (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d
                others = (layout.row == arc.row) & ~np.isin(np.arange(profile.vertices), (parent, child))
                marks = np.stack([layout.column[others], layout.height[others]], axis=1)
                distance = np.abs(curve[:, None] - marks[None]).max(axis=2).min()
                assert distance > 0.3 * NEAR, (name, profile.names[parent], profile.names[child])


def test_parts_of_models():
    assert [name for name, _ in parts_of(graph_named("resnet18").names)] == [
        "input", "stem", "pool", "stage1", "stage2", "stage3", "stage4", "classify",
    ]  # fmt: skip
    assert dict(parts_of(graph_named("gpt2-s").names)).keys() >= {"embedding", *(f"blocks.{j}" for j in range(12))}
    assert [name for name, _ in parts_of(("x", "0", "2"))] == ["x", "0", "2"]
    crumbs = ("x", "tower.a", "tower.b", "tower.c", "head")
    assert [name for name, _ in parts_of(crumbs)] == ["x", "tower", "head"]


PICTURES = {
    "resnet18": lambda: split(graph_named("resnet18"), 0.4),
    "googlenet": lambda: split(graph_named("googlenet"), 0.3),
    "densenet121": lambda: split(graph_named("densenet121"), 0.35),
    "gpt2-s": lambda: split(graph_named("gpt2-s"), 0.5),
    "googlenet-mini": lambda: split(graph_named("googlenet-mini"), 0.3),
    "raw data only": lambda: split(graph_named("resnet-mini"), 0.0),
    "nothing crosses": lambda: split(graph_named("resnet-mini"), 2.0),
    "three layers": lambda: random_split(3, 1),
    "three tiers": lambda: random_split(20, 4, tiers=3),
    "random": lambda: random_split(80, 6),
    "many": lambda: random_split(300, 8),
}


@pytest.mark.parametrize("name", PICTURES)
def test_nothing_sticks_out_and_no_text_lies_over_another(drawn, name):
    graph = PICTURES[name]()
    draw(graph, "picture.png")
    [figure] = drawn
    FigureCanvasAgg(figure).draw()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= -0.01 and box.y0 >= -0.01 and box.x1 <= width + 0.01 and box.y1 <= height + 0.01
    [axes], [legend] = figure.axes, figure.legends
    texts = [*axes.texts, *legend.get_texts(), figure._suptitle]
    boxes = [text.get_window_extent() for text in texts]
    for i, one in enumerate(boxes):
        for j in range(i):
            assert not one.overlaps(boxes[j]), (texts[i].get_text(), texts[j].get_text())
    inside = axes.get_window_extent()
    assert all(inside.y0 - 1 <= each.y0 and each.y1 <= inside.y1 + 1 for each in boxes[: len(axes.texts)])


@pytest.mark.parametrize("name", PICTURES)
def test_marks_sizes_and_crossing_edges_are_those_of_the_split(drawn, name):
    graph = PICTURES[name]()
    draw(graph, "picture.png")
    [axes] = drawn[0].axes
    sizes = sorted(text.get_text() for text in axes.texts if text.get_text().endswith("Mbit"))
    crossing = {u for u, v in graph.edges.tolist() if graph.tier[u] < graph.tier[v]}
    assert sizes == sorted(f"{graph.bits[u] / 1e6:.3g} Mbit" for u in crossing)
    marks = [len(each.get_offsets()) for each in axes.collections if len(each.get_offsets()) and each.get_zorder() == 4]
    assert sum(marks) == len(graph.names)
    red = [each for each in axes.collections if each.get_zorder() == 2]
    assert len(red) == 1 and bool(red[0].get_paths()) == bool(crossing)
    labels = [text.get_text() for text in drawn[0].legends[0].get_texts()]
    assert [label for label, _, _ in TIERS if label in labels] == [TIERS[t][0] for t in np.unique(graph.tier)]
    said = drawn[0].get_suptitle()
    assert ("nothing crosses" in said) == (not crossing)
    assert f"{(graph.tier == 0).sum()} of {len(graph.names)} layers on the device" in said
    colours = {text.get_color() for text in axes.texts if text.get_text().endswith("Mbit")}
    assert colours <= {VERMILLION}


def test_a_result_is_drawn_and_what_has_no_layers_is_refused(tmp_path):
    problem = ra.DagSplit.sample(seed=0, model="googlenet")
    path = plots.split_graph(problem, ra.solve(problem), tmp_path / "graph.png")
    assert path.stat().st_size > 20_000
    with pytest.raises(ra.InputError, match="cannot write"):
        plots.split_graph(problem, ra.solve(problem), tmp_path / "absent" / "graph.png")
    other = ra.FedsLLM.sample(seed=0, clients=3, subchannels=7)
    assert plots.has_layers(problem) and not plots.has_layers(other)
    with pytest.raises(ra.InputError, match="fedsllm has no graph of layers to draw"):
        plots.split_graph(other, ra.solve(other), tmp_path / "graph.png")
    tight = ra.DagSplit.sample(seed=0, model="googlenet", device_memory_bytes=1.0)
    with pytest.raises(ra.InfeasibleError):
        plots.split_graph(tight, ra.solve(tight), tmp_path / "graph.png")
