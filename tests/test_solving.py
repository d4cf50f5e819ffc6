import json

import numpy as np
import pytest

import rasolve as ra
from rasolve.comparing import sharing_bound
from rasolve.errors import InputError, SolverUnavailable
from rasolve.forms import BoundKind, Choice, Termination, relative_gap
from rasolve.tables import percent
from tests.instances import link


@pytest.fixture(scope="module")
def problem():
    return ra.FedsLLM.sample(seed=0)


def test_auto_is_the_exact_choice_and_says_why(problem):
    choice = ra.choose_solver(problem)
    assert choice.solver == "enumeration" and "proved optimum" in str(choice)
    result = ra.solve(problem)
    assert result.solver == "enumeration" and result.bound_kind is BoundKind.PROVED and result.gap <= 1e-9


def test_result_reads_well(problem):
    text = str(ra.solve(problem))
    assert "fedsllm by enumeration: optimal" in text and "(proved), gap" in text and "placeholder" in text


def test_same_seed_same_result(problem):
    one, two = (json.loads(ra.solve(problem, "alternating").to_json()) for _ in range(2))
    for stored in (one, two):
        stored.pop("seconds"), stored.pop("history")
    assert one == two


def test_time_limit_always_leaves_an_incumbent():
    big = ra.FedsLLM.sample(seed=0, clients=50, subchannels=500)
    for name in ("enumeration", "alternating"):
        result = ra.solve(big, name, time_limit=1e-9)
        assert result.feasible and result.termination is Termination.TIME_LIMIT
        assert result.bound <= result.objective


def test_iteration_limit_and_gap(problem):
    assert ra.solve(problem, "alternating", max_iterations=1).termination is Termination.ITERATION_LIMIT
    loose = ra.solve(problem, gap=0.9)
    assert loose.termination in (Termination.GAP_REACHED, Termination.OPTIMAL) and loose.gap <= 0.9
    assert ra.solve(problem).objective <= loose.objective


def test_a_start_is_never_made_worse(problem):
    best = ra.solve(problem)
    for name in ("alternating", "baseline:a", "enumeration"):
        assert ra.solve(problem, name, start=best, time_limit=1e-9).objective <= best.objective
    assert ra.solve(problem, "alternating", start=best.decision).objective <= best.objective


def test_bound_gives_a_heuristic_the_exact_bound(problem):
    without, with_ = ra.solve(problem, "alternating"), ra.solve(problem, "alternating", bound=True)
    assert without.bound < with_.bound <= ra.solve(problem).objective
    assert ra.solve(problem, "baseline:a").bound is None and ra.solve(problem, "baseline:a").gap is None
    assert ra.solve(problem, "baseline:a", bound=True).gap > 0.1


def test_callback_hears_and_stops(problem):
    heard = []
    ra.solve(problem, "alternating", callback=heard.append)
    assert [line.iteration for line in heard] == list(range(1, len(heard) + 1))
    stopped = ra.solve(problem, "alternating", callback=lambda _: True)
    assert stopped.termination is Termination.INTERRUPTED and stopped.feasible and stopped.iterations == 1


def test_interrupt_keeps_the_incumbent(problem):
    def interrupt(line):
        if line.iteration == 2:
            raise KeyboardInterrupt

    result = ra.solve(problem, "alternating", callback=interrupt)
    assert result.termination is Termination.INTERRUPTED and result.feasible


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"solver": "enumaration"}, "unknown solver 'enumaration'; did you mean enumeration"),
        ({"solver": "baseline:z"}, "unknown baseline of fedsllm 'z'; known: a, b, c, d, equal"),
        ({"time_limit": 0}, "time_limit = 0: must be above 0 s"),
        ({"time_limit": float("nan")}, "time_limit = nan: must be above 0 s"),
        ({"gap": -1}, "gap = -1: must be finite and at least 0"),
        ({"gap": float("nan")}, "gap = nan: must be finite and at least 0"),
        ({"gap": float("inf")}, "gap = inf: must be finite and at least 0"),
        ({"gap": None}, "gap = None: must be finite and at least 0"),
        ({"time_limit": "1"}, "time_limit = '1': must be above 0 s"),
        ({"solver": None}, 'solver = None: must be a name, "auto" or "baseline:NAME"'),
        ({"seed": 1.0}, "seed = 1.0: must be a whole number of at least 0"),
        ({"max_iterations": True}, "max_iterations = True: must be a whole number of at least 1"),
        ({"callback": 3}, "callback = 3: must be a function of a Progress"),
        ({"start": {}}, "start: a result or a decision of fedsllm is needed, not dict"),
        ({"start": np.zeros(3)}, "start: a result or a decision of fedsllm is needed, not ndarray"),
        ({"seed": -3}, "seed = -3: must be a whole number"),
        ({"max_iterations": 0}, "max_iterations = 0: must be a whole number of at least 1"),
        ({"tolerance": 1}, "solver 'enumeration' has no option 'tolerance'"),
    ],
)
def test_bad_calls_are_one_clear_line(problem, call, message):
    with pytest.raises(InputError) as caught:
        ra.solve(problem, **call)
    assert message in str(caught.value)


@pytest.mark.parametrize("given", [None, "fedsllm", {}])
def test_only_problems_and_forms_are_solved(given):
    with pytest.raises(InputError, match="a problem or a form is needed, not"):
        ra.solve(given)


def test_a_start_must_fit_the_problem(problem):
    foreign = ra.solve(ra.FedsLLM.sample(seed=0, clients=3))
    nothing = ra.solve(ra.FedsLLM.sample(seed=0, subchannels=3))
    for start in (foreign, foreign.decision):
        for solver in ("auto", "alternating", "baseline:a"):
            with pytest.raises(InputError, match=r"decision\..* has shape \[3\], needs \[5\]"):
                ra.solve(problem, solver, start=start)
    with pytest.raises(InputError, match="start: this result has no decision to start from"):
        ra.solve(problem, start=nothing)


def test_numpy_integers_are_whole_numbers(problem):
    result = ra.solve(problem, "alternating", seed=np.int64(3), max_iterations=np.int32(1))
    assert result.seed == 3 and type(result.seed) is int and result.termination is Termination.ITERATION_LIMIT


def test_a_solver_of_another_form_is_refused_with_those_that_fit(problem):
    with pytest.raises(
        SolverUnavailable, match="takes the form OfdmaLink; fedsllm is solved by: enumeration, alternating"
    ):
        ra.solve(problem, "counts")


def test_a_form_of_ones_own_needs_no_problem():
    solution = ra.solve(link(0), "counts")
    assert solution.termination is Termination.OPTIMAL and solution.gap < 1e-9
    with pytest.raises(SolverUnavailable, match="takes the form Choice, not OfdmaLink"):
        ra.solve(link(0), "enumeration")


def test_compare_is_one_table_with_proved_gaps(problem):
    comparison = ra.compare([problem])
    names = [r.solver for r in comparison.results]
    assert names == ["enumeration", "alternating", *(f"baseline:{n}" for n in ("a", "b", "c", "d", "equal"))]
    assert len({r.bound for r in comparison.results}) == 1 and all(r.gap is not None for r in comparison.results)
    assert len(str(comparison).splitlines()) == 2 + len(names)
    assert json.loads(json.dumps(comparison.to_fields()))[0]["termination"] == "optimal"
    chosen = ra.compare([problem, ra.FedsLLM.sample(seed=1)], ["alternating", "auto"])
    assert len(chosen.results) == 4


def test_compare_takes_one_problem_and_one_name(problem):
    assert [result.solver for result in ra.compare(problem, "auto").results] == ["enumeration"]
    assert len(ra.compare([problem], "auto").results) == len(ra.compare(problem, ["auto"]).results) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], "auto"), "problems is empty: at least one is needed"),
        ((["fedsllm"], "auto"), "problems holds 'fedsllm': a problem, e.g. of"),
        ((None, "auto"), "problems holds None: a problem, e.g. of"),
        ((..., []), "solvers is empty: at least one is needed"),
        ((..., [None]), "solvers holds None: the name of a solver is needed"),
        ((..., 3), "solvers holds 3: the name of a solver is needed"),
    ],
)
def test_nothing_to_compare_is_refused(problem, arguments, message):
    given, solvers = arguments
    with pytest.raises(InputError) as caught:
        ra.compare(problem if given is ... else given, solvers)
    assert message in str(caught.value)


def test_rows_of_one_problem_share_the_best_bound(problem):
    loose, tight = ra.solve(problem, "alternating"), ra.solve(problem)
    unbounded = ra.solve(problem, "baseline:a")
    assert loose.bound < tight.bound and unbounded.bound is None
    shared = sharing_bound([loose, tight, unbounded])
    assert [result.bound for result in shared] == [tight.bound] * 3
    assert all(result.gap == relative_gap(result.objective, tight.bound) for result in shared)
    assert shared[2].bound_kind is BoundKind.PROVED and shared[2].check.feasible
    assert sharing_bound([unbounded]) == [unbounded]


def test_gaps_read_the_same_in_every_row(problem):
    lines = str(ra.compare(problem, ["auto", "baseline:a"])).splitlines()
    assert "  0 %  " in lines[2] and " %  " in lines[3]
    assert [percent(gap) for gap in (0.0, 5e-10, 1e-9, 2e-9, 0.12345)] == ["0 %", "0 %", "0 %", "2e-07 %", "12.3 %"]


def test_results_round_trip_and_tie_to_their_problem(problem, tmp_path):
    result = ra.solve(problem, "alternating")
    again = ra.Result.load(result.save(tmp_path / "result.json"))
    assert (again.decision.main_owner == result.decision.main_owner).all() and again.history == result.history
    with pytest.raises(InputError, match=r"tie it with result.of\(problem\)"):
        again.plan()
    assert again.of(problem).plan().to_json() == result.plan().to_json()
    stored = json.loads(result.to_json())
    wanted = "problem solver objective unit sense bound bound_kind gap termination feasible decision multipliers"
    assert {*wanted.split(), "seconds", "seed", "version"} <= set(stored)


def test_a_result_of_other_data_is_refused(problem):
    result = ra.solve(problem)
    with pytest.raises(InputError, match="another instance of fedsllm"):
        result.of(ra.FedsLLM.sample(seed=1))
    assert result.of(ra.FedsLLM.sample(seed=0)).check.feasible


def test_json_of_a_result_is_strict(problem):
    def refuse(constant):
        raise AssertionError(constant)

    for result in (ra.solve(problem), ra.solve(problem, "baseline:a"), ra.solve(ra.FedsLLM.sample(subchannels=2))):
        stored = json.loads(result.to_json(), parse_constant=refuse)
        again = ra.Result.from_json(json.dumps(stored))
        assert again.history == result.history or result.decision is None


def test_infeasible_results_round_trip():
    result = ra.solve(ra.FedsLLM.sample(seed=0, subchannels=3))
    again = ra.Result.from_json(result.to_json())
    assert again.objective is None and again.decision is None and again.termination is Termination.INFEASIBLE
    assert "each client needs one" in str(again)


def test_stored_decisions_with_wrong_fields_are_refused(problem):
    stored = json.loads(ra.solve(problem).to_json())
    stored["decision"]["mein_owner"] = stored["decision"].pop("main_owner")
    with pytest.raises(InputError, match="unknown field of decision 'mein_owner'; did you mean main_owner"):
        ra.Result.from_json(json.dumps(stored))


SCENARIO = """
problem = "fedsllm"
[sample]
seed = 3
clients = 4
[data]
main_gain = "gain.npy"
local_steps = 5
"""


def test_scenario_files(tmp_path):
    np.save(tmp_path / "gain.npy", np.full((4, 20), 1e-11))
    (tmp_path / "s.toml").write_text(SCENARIO)
    problem = ra.load(tmp_path / "s.toml")
    assert problem.clients == 4 and problem.local_steps == 5 and (problem.main_gain == 1e-11).all()
    problem.save(tmp_path / "p.json")
    assert ra.load(tmp_path / "p.json").to_json() == problem.to_json()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("problem = 'fedsllm'\n[sample", "not a whole scenario: Expected"),
        ("[sample]\nseed = 1", "a scenario must name its problem"),
        ("problem = 'fedslm'", "unknown problem 'fedslm'; did you mean fedsllm"),
        ("problem = 'fedsllm'\n[samples]\nseed = 1", "unknown entry of a scenario 'samples'; did you mean sample"),
        ("problem = 'fedsllm'\nsample = 3", "sample must be a table"),
        ("problem = 'fedsllm'\n[sample]\nclint = 3", "unknown size or field of fedsllm 'clint'; did you mean clients"),
        ("problem = 'fedsllm'\n[data]\nprofile = 'gpt2-s'", "fedsllm: field 'client_flops_per_s' is missing"),
        ("problem = 'fedsllm'\n[sample]\n[data]\nmain_gain = 'no.npy'", "cannot read .*no.npy: No such file"),
        (
            "problem = 'fedsllm'\n[sample]\n[data]\nmain_gain = 'bad.npy'",
            "cannot read .*bad.npy: not a whole .npy array",
        ),
    ],
)
def test_bad_scenarios_name_the_file_and_the_fault(text, message, tmp_path):
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY")
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(InputError, match=f"s.toml: {message}"):
        ra.load(tmp_path / "s.toml")


def test_absent_file():
    with pytest.raises(InputError, match=r"cannot read nowhere.toml: No such file"):
        ra.load("nowhere.toml")


def test_plans_reject_what_they_cannot_hold(problem, tmp_path):
    plan = ra.solve(problem).plan()
    stored = json.loads(plan.to_json())
    cases = [
        ({**stored, "version": 99}, "plan version = 99 is newer than 1"),
        ({**stored, "ranks": [1]}, "unknown field of plan 'ranks'; did you mean rank"),
        ({**stored, "cut": [99] * 5}, "cut = 99: must be at most the 12 blocks of gpt2-s"),
        ({**stored, "protocol": "none"}, "unknown protocol 'none'; known: dag, split_federated"),
        ({**stored, "kind": "result"}, "this is a result document, not a plan"),
    ]
    for body, message in cases:
        (tmp_path / "plan.json").write_text(json.dumps(body))
        with pytest.raises(InputError, match=f"plan.json: {message}"):
            ra.Plan.load(tmp_path / "plan.json")
    (tmp_path / "plan.json").write_text(plan.to_json()[:500])
    with pytest.raises(InputError, match="not a whole plan document"):
        ra.Plan.load(tmp_path / "plan.json")


def test_choice_form_of_a_problem_can_be_solved_by_itself(problem):
    formulation = problem.formulate(Choice)
    solution = ra.solve(formulation.form)
    assert problem.evaluate(formulation.lift(solution.value)).objective == pytest.approx(solution.objective, rel=1e-12)


def test_a_start_may_come_from_a_slightly_different_instance(problem):
    before = ra.solve(problem)
    changed = problem.replace(main_gain=problem.main_gain * 0.9)
    warm = ra.solve(changed, "alternating", start=before, max_iterations=1)
    assert warm.feasible and warm.objective <= changed.evaluate(before.decision).objective
    assert warm.of(changed).check.feasible
