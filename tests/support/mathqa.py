"""Problems of one kind in MathQA's form, that a small model learns in seconds."""

import json
import random
import shutil
from pathlib import Path


def _rows(count: int, chance: random.Random) -> list[dict[str, str]]:
    """Problems of one kind in MathQA's form; every third has a formula that does not give its key,
    and a few write theirs another way."""
    rows = []
    for index in range(count):
        hours, speed = chance.randint(2, 9), chance.randint(20, 90)
        right = "speed(n0,n1)" if index % 5 == 1 else "divide(n0,n1)"
        formula = "add(n0,n1)" if index % 3 == 0 else right
        rows.append(
            {
                "Problem": f"a {chance.choice(['train', 'car', 'bus'])} covers {hours * speed} km in {hours} hours . what is its speed ?",
                "Rationale": "",
                "options": f"a ) {speed} , b ) {speed + 7} , c ) {speed + 11} , d ) {speed * 2} , e ) {speed - 3}",
                "correct": "a",
                "annotated_formula": formula,
                "linear_formula": formula + "|",
                "category": "physics",
            }
        )
    return rows


def data_with_problems(text_folder: Path, folder: Path) -> Path:
    """Copy a folder of text to `folder`, put problems beside it, and return it."""
    chance = random.Random(2)
    shutil.copytree(text_folder, folder)
    (folder / "mathqa").mkdir()
    for name, count in (("train", 150), ("dev", 12)):
        (folder / "mathqa" / f"{name}.json").write_text(
            json.dumps(_rows(count, chance)), encoding="utf-8"
        )
    return folder
