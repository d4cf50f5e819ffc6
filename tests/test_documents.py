import json
from typing import Annotated, ClassVar

import numpy as np
import pytest

from rasolve.arrays import Array
from rasolve.documents import Document
from rasolve.errors import InputError
from rasolve.numerics import FloatArray, IntArray


class Toy(Document):
    kind: ClassVar[str] = "toy"
    version: ClassVar[int] = 2

    speed: Annotated[FloatArray, Array(("K",), above=0)]
    gain: Annotated[FloatArray, Array(("K", "M"), at_least=1e-25, at_most=10)]
    edge: Annotated[FloatArray, Array(("M+1",))]
    owner: Annotated[IntArray, Array(("M",), at_least=0, integer=True)] | None = None


GOOD = {"speed": [1, 2], "gain": [[1, 2, 3], [4, 5, 6]], "edge": [0, 1, 2, 3]}


def test_arrays_are_read_only_copies_of_the_right_type():
    speed = np.asarray([1.0, 2.0])
    toy = Toy(**{**GOOD, "speed": speed, "owner": [0, 1, 1]})
    speed[0] = 9
    assert toy.speed[0] == 1 and toy.owner.dtype == np.int64
    with pytest.raises(ValueError):
        toy.speed[0] = 3
    assert toy.dimension("K") == 2 and toy.dimension("M") == 3


def test_axis_of_length_one_stretches_without_copying_and_is_stored_short():
    toy = Toy(**{**GOOD, "gain": [[1], [2]]})
    assert toy.gain.shape == (2, 3) and toy.gain.strides[1] == 0
    assert json.loads(toy.to_json())["gain"] == [[1.0], [2.0]]
    assert Toy.from_json(toy.to_json()).gain.shape == (2, 3)


def test_stretched_array_given_from_outside_stays_small():
    toy = Toy(**{**GOOD, "gain": np.broadcast_to(np.asarray([[1.0], [2.0]]), (2, 3))})
    assert toy.gain.base is not None and toy.gain.strides[1] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speed": [1, 0]}, r"speed[1] = 0 must be above 0"),
        ({"speed": [1, float("nan")]}, r"speed[1] = nan is not finite"),
        ({"speed": [1, float("inf")]}, r"speed[1] = inf is not finite"),
        ({"speed": []}, "speed is empty"),
        ({"speed": 3}, "speed has 0 dimensions, needs 1: [K]"),
        ({"speed": ["fast", 1]}, "speed is not an array of numbers"),
        ({"gain": [[1, 2, 3], [4, 1e-30, 6]]}, "gain[1, 1] = 1e-30 must be at least 1e-25"),
        ({"gain": [[1, 2, 3], [4, 5, 60]]}, "gain[1, 2] = 60 must be at most 10"),
        ({"speed": [1, 2, 3]}, "gain has shape [2, 3], but [K,M] is [3, 3] elsewhere"),
        ({"edge": [0, 1]}, "edge has shape [2], but [M+1] is [4] elsewhere"),
        ({"owner": [0, 1]}, "owner has shape [2], but [M] is [3] elsewhere"),
        ({"owner": [0, 0.5, 1]}, "owner[1] = 0.5 is not a whole number"),
        ({"sped": [1]}, "unknown field of toy 'sped'; did you mean speed"),
    ],
)
def test_every_bad_value_is_one_line_naming_field_value_and_limit(change, message):
    with pytest.raises(InputError) as caught:
        Toy(**{**GOOD, **change})
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_missing_field():
    with pytest.raises(InputError, match="toy: field 'gain' is missing"):
        Toy(speed=[1], edge=[0, 1])


def test_replace_validates_anew_and_leaves_the_original():
    toy = Toy(**GOOD)
    assert toy.replace(speed=[3, 4]).speed[0] == 3 and toy.speed[0] == 1
    with pytest.raises(InputError, match="unknown field of toy 'velocity'"):
        toy.replace(velocity=1)


def test_documents_are_compared_by_identity_and_hashable():
    toy = Toy(**GOOD)
    assert toy == toy and toy != Toy(**GOOD) and {toy: 1}[toy] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"kind": "toy", "version": 2, "speed": [1', r"not a whole toy document: .* at line 1"),
        ("[1, 2]", "not a toy document: a JSON object is needed"),
        ('{"speed": [1], "speed": [2]}', "not a toy document: 'speed' is given twice"),
        ("[" * 100_000, "not a toy document: nested too deeply"),
        ('{"speed": ' + "1" * 5000 + "}", "not a toy document: Exceeds the limit"),
        ('{"kind": "plan", "version": 1}', "this is a plan document, not a toy"),
        ('{"kind": "adaptive-split", "version": 1}', "this is an adaptive-split document, not a toy"),
        ('{"kind": "toy", "version": 3}', "toy version = 3 is newer than 2, the newest that this rasolve reads"),
        ('{"kind": "toy", "version": "x"}', "toy version = 'x': must be a whole number"),
    ],
)
def test_bad_files_say_what_is_wrong(text, message, tmp_path):
    (tmp_path / "toy.json").write_text(text)
    with pytest.raises(InputError, match=message):
        Toy.load(tmp_path / "toy.json")


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*none.json: No such file"):
        Toy.load(tmp_path / "none.json")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        Toy.load(tmp_path / "bytes")
    with pytest.raises(InputError, match="cannot write"):
        Toy(**GOOD).save(tmp_path / "absent" / "toy.json")


def test_schema_names_shape_and_limits():
    schema = Toy.model_json_schema()["properties"]["gain"]
    assert schema["description"] == "shape [K,M]"
    assert schema["items"]["items"] == {"type": "number", "minimum": 1e-25, "maximum": 10}
