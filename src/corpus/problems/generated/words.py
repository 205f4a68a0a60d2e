"""The words that templates leave open: names, goods, units. A slot is `{item}`, or `{item2}` for another of the same kind."""

import random
import re

_SLOT = re.compile(r"\{([a-z_$]+?)(\d?)\}")
_Rows = tuple[tuple[str, ...], ...]


def _rows(words: str, *forms: str) -> _Rows:
    """Return one row a word, each with the forms that `#` stands for the word in."""
    return tuple(tuple(form.replace("#", word) for form in forms) for word in words.split())


_MEN = _rows("john ravi tom ahmed carlos peter sam ivan arjun leo david omar", "#", "he", "his")
_WOMEN = _rows(
    "mary anita sara lucy priya emma nina julia meera kate fatima helen", "#", "she", "her"
)
_ITEMS = "pen notebook shirt toy chair lamp book ticket mango cup bag plate pencil cake hat phone bulb bottle towel clock banana coin"
_GROUPS_OF_PEOPLE = (
    ("a school", "the school", "students"),
    ("a college", "the college", "students"),
    ("a class", "the class", "pupils"),
    ("a factory", "the factory", "workers"),
    ("a company", "the company", "employees"),
    ("a club", "the club", "members"),
    ("a village", "the village", "people"),
    ("a town", "the town", "residents"),
    ("a camp", "the camp", "soldiers"),
)
_LONG_LENGTHS = (
    ("km", "km / hr"),
    ("km", "kmph"),
    ("km", "km per hour"),
    ("kilometers", "kilometers per hour"),
    ("miles", "miles per hour"),
    ("miles", "mph"),
)
_SHORT_LENGTHS = (
    ("m", "sq m", "cubic m", "m", "sq m"),
    ("cm", "sq cm", "cubic cm", "cm", "sq cm"),
    ("cm", "square cm", "cu cm", "cm", "square cm"),
    ("meters", "square meters", "cubic meters", "meter", "square meter"),
    ("metres", "square metres", "cubic metres", "metre", "square metre"),
    ("feet", "square feet", "cubic feet", "foot", "square foot"),
    ("inches", "square inches", "cubic inches", "inch", "square inch"),
    ("yards", "square yards", "cubic yards", "yard", "square yard"),
)

# Each group: the slot names of its columns, then its rows. Slots of one group and digit are filled from the same row.
_GROUPS: tuple[tuple[tuple[str, ...], _Rows], ...] = (
    (("person", "he", "his"), (*_MEN, *_WOMEN)),
    (("item", "items"), _rows(_ITEMS, "#", "#s")),
    (("good",), _rows("bicycle watch table radio camera sofa jacket fan cow horse laptop", "#")),
    (("food",), _rows("rice sugar wheat tea flour coffee butter cheese salt corn", "#")),
    (
        ("seller", "the_seller"),
        _rows("shopkeeper trader merchant dealer store shop vendor", "a #", "the #"),
    ),
    (("group", "the_group", "members"), _GROUPS_OF_PEOPLE),
    (("color",), _rows("red blue green white black yellow purple pink brown", "#")),
    (("ball", "balls"), _rows("ball marble bead counter button token", "#", "#s")),
    (("bag",), _rows("bag box sack jar basket bowl", "#")),
    (("vehicle",), _rows("car bus truck van motorbike taxi jeep cyclist scooter", "#")),
    (("km", "kmph"), _LONG_LENGTHS),
    (("m", "sq_m", "cubic_m", "one_m", "one_sq_m"), _SHORT_LENGTHS),
    (("period", "periods"), _rows("day week month year", "#", "#s")),
    (("$",), (("$",), ("$",), ("rs .",), ("rs",))),
    (("tank",), _rows("tank cistern pool reservoir barrel", "#")),
    (("liquid",), _rows("milk water oil juice syrup petrol", "#")),
    (("job",), (("job",), ("piece of work",), ("task",), ("project",))),
    (("plot",), _rows("field garden lawn park floor hall plot courtyard", "#")),
    (
        ("sheet",),
        (
            ("rectangle",),
            ("field",),
            ("sheet of paper",),
            ("garden",),
            ("floor",),
            ("carpet",),
            ("board",),
        ),
    ),
)
_COLUMNS = {
    column: (group, place)
    for group, (columns, _) in enumerate(_GROUPS)
    for place, column in enumerate(columns)
}


def slots(text: str) -> set[str]:
    """Return the names of the word slots in `text`, without their digits."""
    return {name for name, _ in _SLOT.findall(text)}


def known_slots() -> frozenset[str]:
    """Return every slot name that a template may use."""
    return frozenset(_COLUMNS)


class Wording:
    """The words chosen for one problem: a slot keeps its word, and slots of one group with other digits get other words."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._rows: dict[tuple[int, str], int] = {}

    def fill(self, text: str) -> str:
        """Return `text` with every slot replaced by its word."""
        return _SLOT.sub(lambda match: self._word(match[1], match[2]), text)

    def _word(self, name: str, digit: str) -> str:
        group, place = _COLUMNS[name]
        rows = _GROUPS[group][1]
        if (group, digit) not in self._rows:
            used = {row for (other, _), row in self._rows.items() if other == group}
            self._rows[group, digit] = self._rng.choice(
                [row for row in range(len(rows)) if row not in used]
            )
        return rows[self._rows[group, digit]][place]
