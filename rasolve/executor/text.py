"""Rows of E2E text: generated in the style of the E2E NLG challenge, or read from a file in its format."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from rasolve.errors import InputError
from rasolve.files import read_text

COLUMNS = ("mr", "ref")
"""The E2E format: a meaning representation and the sentence that says it (published)."""

NAMES = ("The Copper Kettle", "Blue Harbour", "Maple and Rye", "The Old Mill", "Saffron House", "Green Lantern")
KINDS = ("restaurant", "pub", "coffee shop")
FOODS = ("Italian", "Indian", "Chinese", "French", "English", "Japanese")
PRICES = ("cheap", "moderate", "high", "less than £20")
RATINGS = ("low", "average", "high", "5 out of 5")
AREAS = ("riverside", "city centre")
NEIGHBOURS = ("Station Road Bakery", "The Market Hall", "Abbey Cinema", "Crown Square")


def generated(rows: int, rng: np.random.Generator) -> list[str]:
    """Return `rows` lines of generated text; the words and templates are ours."""
    return [_generated_line(rng) for _ in range(rows)]


def _generated_line(rng: np.random.Generator) -> str:
    def pick(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    name, kind, food, area = pick(NAMES), pick(KINDS), pick(FOODS), pick(AREAS)
    mr = [f"name[{name}]", f"eatType[{kind}]", f"food[{food}]"]
    ref = f"{name} is a {kind} that serves {food} food in the {area}"
    if rng.random() < 0.5:
        price = pick(PRICES)
        mr.append(f"priceRange[{price}]")
        ref += f", with a price range of {price}"
    if rng.random() < 0.5:
        rating = pick(RATINGS)
        mr.append(f"customer rating[{rating}]")
        ref += f" and a customer rating of {rating}"
    mr.append(f"area[{area}]")
    ref += "."
    if rng.random() < 0.5:
        friendly = rng.random() < 0.5
        mr.append(f"familyFriendly[{'yes' if friendly else 'no'}]")
        ref += " It is family friendly." if friendly else " It is not for families."
    if rng.random() < 0.5:
        near = pick(NEIGHBOURS)
        mr.append(f"near[{near}]")
        ref += f" You find it near {near}."
    return line(", ".join(mr), ref)


def read_csv(path: str | Path) -> list[str]:
    """Return the lines of a CSV file with columns mr and ref; raises InputError naming the file and what it lacks."""
    reader = csv.DictReader(io.StringIO(read_text(path).removeprefix("\ufeff"), newline=""))
    lines = []
    try:
        if reader.fieldnames is None:
            raise InputError(f"{path}: is empty")
        reader.fieldnames = [name.strip() for name in reader.fieldnames]
        missing = [column for column in COLUMNS if column not in reader.fieldnames]
        if missing:
            raise InputError(f"{path}: has no column {' and '.join(missing)}; found: {', '.join(reader.fieldnames)}")
        for row in reader:
            if row["mr"] is None or row["ref"] is None:
                raise InputError(f"{path}: line {reader.line_num} breaks off before its last column")
            lines.append(line(row["mr"], row["ref"]))
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num + 1} is not CSV: {error}") from None
    if not lines:
        raise InputError(f"{path}: has the columns {' and '.join(COLUMNS)} but no rows")
    return lines


def line(mr: str, ref: str) -> str:
    """Return one training line: the meaning representation, then its sentence (ours)."""
    return f"{mr} | {ref}\n"
