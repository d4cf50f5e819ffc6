"""Documents: frozen, validated, versioned records of scalars and named-dimension arrays.

Problems, plans, results, reports and profiles are documents. A field that holds an array says its dimensions by name,
so that ``client_flops_per_s[K]`` and ``main_gain[K,M]`` are checked against one another, and every rejected value
becomes one :class:`~rasolve.errors.InputError` that names field, value and limit.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, model_validator

from rasolve.arrays import Array, without_stretch
from rasolve.errors import InputError, unknown
from rasolve.files import parse_json, read_text


class Document(BaseModel):
    """A frozen record: unknown fields are refused, arrays agree in their dimensions, JSON is versioned."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        allow_inf_nan=False,
        ser_json_inf_nan="constants",
        protected_namespaces=(),
    )
    kind: ClassVar[str] = "document"
    version: ClassVar[int] = 1

    largest: ClassVar[float | None] = None
    """Largest magnitude of this document's numbers, where it has one: input has, what is computed has not."""

    _lengths: dict[str, int] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_numbers(cls, fields: Any) -> Any:
        """Take numpy's numbers as Python's, and refuse words and truth values where a number is needed."""
        if not isinstance(fields, dict):
            return fields
        plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in fields.items()}
        for name in _number_fields(cls) & plain.keys():
            if isinstance(plain[name], (bool, str)):
                raise ValueError(f"{name} = {plain[name]!r}: must be a number")
        return plain

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise InputError(_one_line(error, type(self))) from None

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def model_post_init(self, context: Any) -> None:
        """Refuse giants, bind the named dimensions across fields and stretch axes of length 1."""
        for name in _number_fields(type(self)):
            value = getattr(self, name)
            if self.largest is not None and value is not None and abs(value) > self.largest:
                raise InputError(f"{name} = {value:g}: must be at most {self.largest:g}")
        self._lengths.update(_dimensions(self))
        for name, array in _agreed_shapes(self).items():
            object.__setattr__(self, name, array)

    def dimension(self, name: str) -> int:
        """Return the length of the named dimension, e.g. ``dimension("K")``."""
        return self._lengths[name]

    def dimensions(self) -> dict[str, int]:
        """Return the length of every named dimension."""
        return dict(self._lengths)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with the given fields changed, validated anew."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**fields, **changes})

    def fingerprint(self) -> str:
        """Return a digest of all data: equal for equal documents, whatever file or machine they come from."""
        digest = hashlib.sha256(self.kind.encode())
        for name in type(self).model_fields:
            digest.update(name.encode() + _bytes_of(getattr(self, name)))
        return digest.hexdigest()[:16]

    def to_json(self, indent: int | None = 2) -> str:
        """Return this document as JSON text, with its kind and version."""
        body = json.loads(self.model_dump_json())
        return json.dumps({"kind": self.kind, "version": self.version, **body}, indent=indent)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the document written in `text`; raises InputError when truncated, foreign or newer."""
        return cls.from_fields(parse_json(text, cls.kind))

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """Return the document of a parsed mapping that carries `kind` and `version`."""
        body = dict(fields)
        kind, version = body.pop("kind", cls.kind), body.pop("version", cls.version)
        if kind != cls.kind:
            raise InputError(f"this is {_article(kind)} {kind} document, not {_article(cls.kind)} {cls.kind}")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise InputError(f"{cls.kind} version = {version!r}: must be a whole number of at least 1")
        if version > cls.version:
            raise InputError(
                f"{cls.kind} version = {version} is newer than {cls.version}, the newest that this rasolve reads"
            )
        return cls(**body)

    def save(self, path: str | Path) -> Path:
        """Write this document as JSON and return its path."""
        path = Path(path)
        try:
            path.write_text(self.to_json() + "\n")
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from None
        return path

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a document saved by :meth:`save`; raises InputError naming the file."""
        text = read_text(path)
        try:
            return cls.from_json(text)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None


def _article(word: object) -> str:
    return "an" if str(word)[:1] in "aeiou" else "a"


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        return repr(value.shape).encode() + without_stretch(value).tobytes()
    return value.fingerprint().encode() if isinstance(value, Document) else repr(value).encode()


@cache
def _number_fields(cls: type[Document]) -> frozenset[str]:
    """Return the names of the fields that hold one number, optional ones included."""
    kinds = {name: set(get_args(f.annotation)) or {f.annotation} for name, f in cls.model_fields.items()}
    return frozenset(name for name, kind in kinds.items() if kind & {int, float} and kind <= {int, float, type(None)})


@cache
def _array_specs(cls: type[Document]) -> dict[str, Array]:
    """Return the array annotation of every array field, optional ones (``... | None``) included."""
    return {
        name: note
        for name, field in cls.model_fields.items()
        for note in (*field.metadata, *_notes_within(field.annotation))
        if isinstance(note, Array)
    }


def _notes_within(annotation: Any) -> list[Any]:
    """Return the notes of the parts of an annotation such as ``Annotated[X, note] | None``."""
    return [note for part in get_args(annotation) for note in getattr(part, "__metadata__", ())]


def _base(dim: str) -> tuple[str, int]:
    """Split ``"J+1"`` into its base ``"J"`` and offset 1."""
    base, _, offset = dim.partition("+")
    return base, int(offset or 0)


def _dimensions(document: Document) -> dict[str, int]:
    """Return each dimension's length: the longest that any of its axes has."""
    lengths: dict[str, int] = {}
    for name, spec in _array_specs(type(document)).items():
        array = getattr(document, name)
        if array is not None:
            for dim, size in zip(spec.dims, array.shape, strict=True):
                base, offset = _base(dim)
                lengths[base] = max(lengths.get(base, 0), size - offset)
    return lengths


def _agreed_shapes(document: Document) -> dict[str, NDArray[Any]]:
    """Return the array fields, stretched to their dimensions; raises InputError where lengths clash."""
    lengths = document._lengths
    stretched = {}
    for name, spec in _array_specs(type(document)).items():
        array = getattr(document, name)
        if array is None:
            continue
        shape = tuple(lengths[_base(dim)[0]] + _base(dim)[1] for dim in spec.dims)
        if any(size not in (1, length) for size, length in zip(array.shape, shape, strict=True)):
            raise InputError(
                f"{name} has shape {list(array.shape)}, but [{','.join(spec.dims)}] is {list(shape)} elsewhere"
            )
        if array.shape != shape:
            stretched[name] = np.broadcast_to(array, shape)
    return stretched


_LIMITS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than_equal": ("at most", "le"),
}


_SHAPES = {"tuple_type": "a list", "list_type": "a list", "dict_type": "a table", "model_type": "a table"}


def _one_line(error: ValidationError, cls: type[Document]) -> str:
    """Turn one of pydantic's complaints into a line naming field, value and limit.

    An unknown field comes first: mistyped, it explains the one that is missing.
    """
    complaints = error.errors(include_url=False)
    first = next((each for each in complaints if each["type"] == "extra_forbidden"), complaints[0])
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return str(unknown(f"field of {cls.kind}", field, cls.model_fields))
    if first["type"] == "missing":
        return f"{cls.kind}: field '{field}' is missing"
    if first["type"] == "value_error":
        complaint = str(first["ctx"]["error"])
        joint = "" if complaint.startswith("[") else " "
        return f"{field}{joint}{complaint}" if field else complaint
    if first["type"] in _LIMITS:
        words, key = _LIMITS[first["type"]]
        return f"{field} = {first['input']!r}: must be {words} {first['ctx'][key]:g}"
    if first["type"] in _SHAPES:
        return f"{field}: must be {_SHAPES[first['type']]}"
    message = first["msg"].removeprefix("Input should be ").removeprefix("Input ")
    return f"{field} = {first['input']!r}: must be {message}"
