"""Text, shards and batches."""

from pathlib import Path

import numpy as np
import pytest
import torch
from executor_plans import TINY, plan

from rasolve.errors import InputError
from rasolve.executor.data import SHORTEST_LINE, apportion, load, windows
from rasolve.executor.run import run
from rasolve.executor.text import generated, read_csv

REAL = Path(__file__).parents[3] / "shared" / "data" / "e2e" / "devset.csv"
SIZES = np.array([3.0, 1.0, 2.0])


def test_generated_text_is_deterministic_and_long_enough():
    first, again, other = (generated(400, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first == again != other
    assert min(map(len, first)) >= SHORTEST_LINE
    assert all(" | " in line and line.endswith(".\n") for line in first)


def test_windows_are_bytes_shifted_by_n_with_labels_one_ahead():
    found = windows(["abcde", "f£hi"], 4)
    assert found.tolist() == [list(b"abcde"), list(b"ef?hi")]
    assert windows(["abcd"], 4).shape == (0, 5)


def test_shards_are_disjoint_proportional_and_deterministic():
    shards, again = load(TINY, SIZES, None, 0), load(TINY, SIZES, None, 0)
    sizes = [len(shard) for shard in shards.inputs]
    assert sum(sizes) == 3 * 256 and sizes == [384, 128, 256]
    tokens, labels = shards.batch(2, 5, 4)
    assert tokens.shape == labels.shape == (4, TINY.tokens)
    assert torch.equal(tokens[:, 1:], labels[:, :-1])
    assert torch.equal(tokens, again.batch(2, 5, 4)[0])
    assert not torch.equal(tokens, shards.batch(2, 6, 4)[0])


def test_apportion_gives_every_sample_away():
    assert apportion(10, np.array([1.0, 1.0, 1.0])).tolist() == [4, 3, 3]
    assert apportion(7, np.array([5.0, 2.0])).tolist() == [5, 2]


def test_quoted_fields_are_read(tmp_path):
    path = tmp_path / "e2e.csv"
    path.write_text('\ufeffmr,ref\n"name[A], area[b]","A is ""here"", in b."\n')
    assert read_csv(path) == ['name[A], area[b] | A is "here", in b.\n']


def test_real_text_trains():
    if not REAL.exists():
        pytest.skip(f"the E2E development set is not at {REAL}")
    report = run(plan(), steps=2, data=REAL)
    assert report.data == str(REAL)
    assert report.worst_loss_difference <= 1e-10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "e2e.csv: is empty"),
        ("mr,text\na,b\n", "e2e.csv: has no column ref; found: mr, text"),
        ("a,b\n1,2\n", "e2e.csv: has no column mr and ref; found: a, b"),
        ("mr,ref\n", "e2e.csv: has the columns mr and ref but no rows"),
        ("mr,ref\nname\n", "e2e.csv: line 2 breaks off before its last column"),
        ('mr,ref\n"' + "a" * 140_000 + '",b\n', "e2e.csv: line 2 is not CSV: field larger than field limit"),
        ("mr,ref\nname[A],A is here.\n", "1 samples of 13 characters leave none for client"),
        ("mr,ref\na,b\n", "0 samples of 13 characters leave none for client 1, whose share is 0.5"),
    ],
)
def test_every_unusable_file_has_its_error(tmp_path, text, message):
    path = tmp_path / "e2e.csv"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load(TINY, SIZES, path, 0)
    assert message in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*absent\.csv: No such file"):
        load(TINY, SIZES, tmp_path / "absent.csv", 0)
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        load(TINY, SIZES, tmp_path / "binary.csv", 0)


def test_a_small_vocabulary_is_refused():
    with pytest.raises(InputError, match="tiny: vocabulary = 64: text needs at least the 128 ASCII tokens"):
        load(TINY.replace(vocabulary=64), SIZES, None, 0)
