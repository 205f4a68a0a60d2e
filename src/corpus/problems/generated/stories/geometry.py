"""Stories of the category geometry: areas, lengths and volumes that are cut, repeated, covered and paid for."""

from corpus.problems.generated.stories.story import Event, Opening, Story, opening

_LONG, _WIDE, _PERCENT, _RATE = range(10, 90), range(6, 60), range(5, 96, 5), range(2, 40)

_FLAT: tuple[tuple[str, str, dict[str, range], tuple[str, ...], tuple[str, ...]], ...] = (
    (
        "rectangle",
        "rectangle_{}(a, b)",
        {"a": _LONG, "b": _WIDE},
        (
            "a {plot} is <a> {m} long and <b> {m} wide .",
            "the length of a {plot} is <a> {m} and its width is <b> {m} .",
            "a {plot} has a length of <a> {m} and a [width|breadth] of <b> {m} .",
        ),
        (
            "a {plot} that is <a> {m} long and <b> {m} wide",
            "a {plot} of length <a> {m} and width <b> {m}",
        ),
    ),
    (
        "square",
        "square_{}(a)",
        {"a": range(6, 80)},
        ("a square {plot} has a side of <a> {m} .", "the side of a square {plot} is <a> {m} ."),
        ("a square {plot} of side <a> {m}", "a square {plot} with a side of <a> {m}"),
    ),
    (
        "circle",
        "circle_{}(a)",
        {"a": range(4, 50)},
        (
            "a circular {plot} has a radius of <a> {m} .",
            "the radius of a circular {plot} is <a> {m} .",
            "a round {plot} has a radius of <a> {m} .",
        ),
        ("a circular {plot} of radius <a> {m}", "a round {plot} with a radius of <a> {m}"),
    ),
)


def _openings(kind: str, measure: str) -> tuple[Opening, ...]:
    """Return the same three shapes, spoken of by their area or by the length around them."""
    circle = {"area": "circle_area(a)", "perimeter": "circumface(a)"}[measure]
    return tuple(
        opening(
            name,
            kind,
            circle if name == "circle" else formula.format(measure),
            numbers,
            *texts,
            phrases=phrases,
        )
        for name, formula, numbers, texts, phrases in _FLAT
    )


AREAS = Story(
    name="areas",
    category="geometry",
    openings=(
        *_openings("area", "area"),
        opening(
            "triangle",
            "area",
            "triangle_area(a, b)",
            {"a": _LONG, "b": _WIDE},
            "a triangular {plot} has a base of <a> {m} and a height of <b> {m} .",
            "the base of a triangular {plot} is <a> {m} and its height is <b> {m} .",
            phrases=("a triangular {plot} with a base of <a> {m} and a height of <b> {m}",),
        ),
    ),
    events=(
        Event(
            name="less_pool",
            takes="area",
            gives="area",
            formula="it - rectangle_area(c, d)",
            numbers={"c": range(3, 20), "d": range(2, 15)},
            texts=(
                "a pool of <c> {m} by <d> {m} is inside it .",
                "a piece of <c> {m} by <d> {m} is cut out .",
            ),
            asks=(
                "a piece of <c> {m} by <d> {m} is cut out . what is the remaining area ?",
                "inside it there is a pool of <c> {m} by <d> {m} . find the area of the rest .",
            ),
            answer="# {sq_m}",
            wraps=("a piece of <c> {m} by <d> {m} is cut out of @ . what is the remaining area ?",),
        ),
        Event(
            name="less_round",
            takes="area",
            gives="area",
            formula="it - circle_area(c)",
            numbers={"c": range(2, 12)},
            texts=(
                "a round pool with a radius of <c> {m} is inside it .",
                "a circle of radius <c> {m} is cut out .",
            ),
            asks=(
                "a circle of radius <c> {m} is cut out . what is the remaining area ?",
                "inside it there is a round pool with a radius of <c> {m} . find the area of the rest .",
            ),
            answer="# {sq_m}",
            wraps=("a circle of radius <c> {m} is cut out of @ . what is the remaining area ?",),
        ),
        Event(
            name="less_square",
            takes="area",
            gives="area",
            formula="it - square_area(c)",
            numbers={"c": range(2, 14)},
            texts=(
                "a square pool with a side of <c> {m} is inside it .",
                "a square of side <c> {m} is cut out .",
            ),
            asks=(
                "a square of side <c> {m} is cut out . what is the remaining area ?",
                "inside it there is a square pool with a side of <c> {m} . find the area of the rest .",
            ),
            wraps=("a square of side <c> {m} is cut out of @ . what is the remaining area ?",),
            answer="# {sq_m}",
        ),
        Event(
            name="more_square",
            takes="area",
            gives="area",
            formula="it + square_area(c)",
            numbers={"c": range(3, 30)},
            texts=("a square piece with a side of <c> {m} is added .",),
            asks=(
                "a square piece with a side of <c> {m} is added . what is the total area ?",
                "what is its area together with a square of side <c> {m} ?",
            ),
            answer="# {sq_m}",
            wraps=("what is the area of a square of side <c> {m} together with @ ?",),
        ),
        Event(
            name="percent",
            takes="area",
            gives="area",
            formula="it * p / 100",
            numbers={"p": _PERCENT},
            texts=("<p> % of it is green .",),
            asks=(
                "<p> % of it is covered with flowers . what is the area of the flowers ?",
                "find the area of <p> percent of it .",
            ),
            answer="# {sq_m}",
            wraps=("what is <p> % of the area of @ ?",),
        ),
        Event(
            name="percent_rest",
            takes="area",
            gives="area",
            formula="it * (100 - p) / 100",
            numbers={"p": _PERCENT},
            texts=("<p> % of it is sold , and the rest remains .",),
            asks=(
                "<p> % of it is covered with flowers . what area remains ?",
                "find the area that is left when <p> percent of it is sold .",
            ),
            answer="# {sq_m}",
            wraps=("<p> % of the area of @ is sold . what area remains ?",),
        ),
        Event(
            name="many",
            takes="area",
            gives="area",
            formula="it * k",
            numbers={"k": range(2, 15)},
            texts=("there are <k> such {plot}s .",),
            asks=(
                "what is the total area of <k> such {plot}s ?",
                "there are <k> such {plot}s . find their area in all .",
            ),
            answer="# {sq_m}",
            wraps=("what is <k> times the area of @ ?",),
        ),
        Event(
            name="parts",
            takes="area",
            gives="area",
            formula="it / k",
            numbers={"k": range(2, 15)},
            texts=("it is divided into <k> equal parts , and {person} owns one of them .",),
            asks=(
                "it is divided into <k> equal parts . what is the area of each part ?",
                "find the area that each gets if <k> people share it equally .",
            ),
            answer="# {sq_m}",
            wraps=("<k> people share @ equally . what area does each get ?",),
        ),
        Event(
            name="square_tiles",
            takes="area",
            gives="tiles",
            formula="it / square_area(c)",
            numbers={"c": range(2, 6)},
            texts=("it is covered with square tiles of side <c> {m} .",),
            asks=(
                "how many square tiles of side <c> {m} are needed to cover it ?",
                "it is cut into squares of side <c> {m} . how many squares are there ?",
            ),
            whole=True,
            wraps=(
                "how many square tiles of side <c> {m} are needed to cover @ ?",
                "how many squares of side <c> {m} can be cut from @ ?",
            ),
        ),
        Event(
            name="cost",
            takes="area",
            gives="money",
            formula="it * m",
            numbers={"m": _RATE},
            texts=("[tiling|paving|painting] it costs {$} <m> per {one_sq_m} .",),
            asks=(
                "what is the cost of [tiling|paving|painting] it at {$} <m> per {one_sq_m} ?",
                "how much does it cost to [paint|cover] it , if one {one_sq_m} costs {$} <m> ?",
            ),
            answer="{$} #",
            wraps=(
                "at {$} <m> per {one_sq_m} , what is the cost of [tiling|paving|painting] @ ?",
                "how much does it cost to [paint|cover] @ at {$} <m> per {one_sq_m} ?",
            ),
        ),
        Event(
            name="tile_price",
            takes="tiles",
            gives="money",
            formula="it * m",
            numbers={"m": _RATE},
            texts=("each tile costs {$} <m> .",),
            asks=(
                "what is the cost of the tiles at {$} <m> each ?",
                "each tile costs {$} <m> . how much do the tiles cost in all ?",
            ),
            answer="{$} #",
        ),
        Event(
            name="discount",
            takes="money",
            gives=None,
            formula="it * (100 - p) / 100",
            numbers={"p": range(5, 61, 5)},
            texts=(),
            asks=(
                "what is the cost after a discount of <p> % ?",
                "there is a discount of <p> percent . how much is paid ?",
            ),
            answer="{$} #",
        ),
        Event(
            name="fee",
            takes="money",
            gives=None,
            formula="it + m",
            numbers={"m": range(10, 300, 5)},
            texts=(),
            asks=(
                "the work costs another {$} <m> . what is the total cost ?",
                "what is the total cost with {$} <m> for the truck ?",
            ),
            answer="{$} #",
        ),
    ),
    most=90,
)

FENCES = Story(
    name="fences",
    category="geometry",
    openings=_openings("length", "perimeter"),
    events=(
        Event(
            name="gate",
            takes="length",
            gives="length",
            formula="it - m",
            numbers={"m": range(2, 12)},
            texts=("a fence goes around it , but for a gate of <m> {m} .",),
            asks=(
                "a fence goes around it , but for a gate of <m> {m} . how long is the fence ?",
                "find the length of the fence around it without a gate of <m> {m} .",
            ),
            answer="# {m}",
            wraps=("except for a gate of <m> {m} , how long is the fence around @ ?",),
        ),
        Event(
            name="extra",
            takes="length",
            gives="length",
            formula="it + m",
            numbers={"m": range(5, 60)},
            texts=("a fence goes around it and <m> {m} farther along the road .",),
            asks=(
                "a fence goes around it and <m> {m} farther along the road . how long is the fence ?",
                "how much wire is needed to go around it , with <m> {m} added ?",
            ),
            answer="# {m}",
            wraps=("how much wire is needed for <m> {m} along a road and a fence around @ ?",),
        ),
        Event(
            name="rounds",
            takes="length",
            gives="length",
            formula="it * k",
            numbers={"k": range(2, 15)},
            texts=("{person} walks <k> times around it .",),
            asks=(
                "{person} walks <k> times around it . what distance does {he} cover ?",
                "how much wire is needed to go <k> times around it ?",
            ),
            answer="# {m}",
            wraps=("{person} walks <k> times around @ . what distance does {he} cover ?",),
        ),
        Event(
            name="posts",
            takes="length",
            gives="posts",
            formula="it / c",
            numbers={"c": range(2, 12)},
            texts=("around it there is a post every <c> {m} .",),
            asks=(
                "around it there is a post every <c> {m} . how many posts are there ?",
                "how many posts are needed for one post every <c> {m} around it ?",
            ),
            whole=True,
            wraps=("how many posts are needed for one post every <c> {m} around @ ?",),
        ),
        Event(
            name="cost",
            takes="length",
            gives="money",
            formula="it * m",
            numbers={"m": _RATE},
            texts=("a fence costs {$} <m> per {one_m} .",),
            asks=(
                "a fence along this length costs {$} <m> per {one_m} . find the cost .",
                "how much is paid for the wire of this length at {$} <m> per {one_m} ?",
            ),
            answer="{$} #",
            wraps=(
                "at {$} <m> per {one_m} , what is the cost of fencing @ ?",
                "what is the cost of a fence around @ at {$} <m> per {one_m} ?",
                "how much does it cost to fence @ , if one {one_m} costs {$} <m> ?",
            ),
        ),
        Event(
            name="post_price",
            takes="posts",
            gives="money",
            formula="it * m",
            numbers={"m": _RATE},
            texts=("each post costs {$} <m> .",),
            asks=(
                "what is the cost of the posts at {$} <m> each ?",
                "each post costs {$} <m> . how much do the posts cost in all ?",
            ),
            answer="{$} #",
        ),
        Event(
            name="walk",
            takes="length",
            gives="time",
            formula="it / c",
            numbers={"c": range(2, 12)},
            texts=("{person} goes once around it at a speed of <c> {m} per second .",),
            asks=(
                "at a speed of <c> {m} per second , how many seconds does {person} take to go around it ?",
            ),
            wraps=(
                "at a speed of <c> {m} per second , how many seconds does it take to go around @ ?",
            ),
        ),
        Event(
            name="walks",
            takes="time",
            gives=None,
            formula="it * k",
            numbers={"k": range(2, 12)},
            texts=(),
            asks=("how many seconds do <k> such rounds take ?",),
        ),
        Event(
            name="discount",
            takes="money",
            gives=None,
            formula="it * (100 - p) / 100",
            numbers={"p": range(5, 61, 5)},
            texts=(),
            asks=(
                "what is the cost after a discount of <p> % ?",
                "there is a discount of <p> percent . how much is paid ?",
            ),
            answer="{$} #",
        ),
        Event(
            name="fee",
            takes="money",
            gives=None,
            formula="it + m",
            numbers={"m": range(10, 300, 5)},
            texts=(),
            asks=(
                "the gate costs another {$} <m> . what is the total cost ?",
                "what is the total cost with {$} <m> for the work ?",
            ),
            answer="{$} #",
        ),
    ),
    most=40,
)

SOLIDS = Story(
    name="solids",
    category="geometry",
    openings=(
        opening(
            "box",
            "volume",
            "volume_rectangular_prism(a, b, c)",
            {"a": range(6, 40), "b": range(5, 30), "c": range(4, 20)},
            "a {tank} is <a> {m} long , <b> {m} wide and <c> {m} high .",
            "the length , width and height of a {tank} are <a> , <b> and <c> {m} .",
            phrases=("a {tank} that is <a> {m} long , <b> {m} wide and <c> {m} high",),
        ),
        opening(
            "cube",
            "volume",
            "volume_cube(a)",
            {"a": range(4, 30)},
            "a {tank} is a cube with an edge of <a> {m} .",
            "the edge of a cube is <a> {m} .",
            phrases=("a cube with an edge of <a> {m}",),
        ),
        opening(
            "cylinder",
            "volume",
            "volume_cylinder(a, b)",
            {"a": range(2, 15), "b": range(4, 40)},
            "a round {tank} has a radius of <a> {m} and a height of <b> {m} .",
            "the radius of a cylinder is <a> {m} and its height is <b> {m} .",
            phrases=("a cylinder with a radius of <a> {m} and a height of <b> {m}",),
        ),
    ),
    events=(
        Event(
            name="percent",
            takes="volume",
            gives="volume",
            formula="it * p / 100",
            numbers={"p": _PERCENT},
            texts=("<p> % of it is filled with {liquid} .",),
            asks=(
                "<p> % of it is filled with {liquid} . what is the volume of the {liquid} ?",
                "what is <p> percent of its volume ?",
            ),
            answer="# {cubic_m}",
            wraps=("what is <p> % of the volume of @ ?",),
        ),
        Event(
            name="used",
            takes="volume",
            gives="volume",
            formula="it - m",
            numbers={"m": range(10, 400, 5)},
            texts=("it is full of {liquid} and <m> {cubic_m} are taken out .",),
            asks=(
                "it is full of {liquid} and <m> {cubic_m} are taken out . how much {liquid} remains ?",
                "what volume is left if <m> {cubic_m} are taken away ?",
            ),
            answer="# {cubic_m}",
            wraps=(
                "<m> {cubic_m} of {liquid} are taken out of @ , which was full . how much remains ?",
            ),
        ),
        Event(
            name="many",
            takes="volume",
            gives="volume",
            formula="it * k",
            numbers={"k": range(2, 15)},
            texts=("there are <k> of them , all the same .",),
            asks=(
                "what is the total volume of <k> of them ?",
                "there are <k> of them , all the same . find their volume in all .",
            ),
            answer="# {cubic_m}",
            wraps=("what is the total volume of <k> of them , each the same as @ ?",),
        ),
        Event(
            name="fill",
            takes="volume",
            gives="time",
            formula="it / c",
            numbers={"c": range(2, 60)},
            texts=("{liquid} flows into it at <c> {cubic_m} per minute until it is full .",),
            asks=(
                "{liquid} flows in at <c> {cubic_m} per minute . how many minutes does it take to fill this volume ?",
                "in how many minutes is this volume filled at <c> {cubic_m} a minute ?",
            ),
            wraps=("at <c> {cubic_m} per minute , how many minutes does it take to fill @ ?",),
        ),
        Event(
            name="level",
            takes="volume",
            gives=None,
            formula="it / rectangle_area(c, d)",
            numbers={"c": range(5, 40), "d": range(4, 30)},
            texts=(),
            asks=(
                "this volume of {liquid} is poured into a box of length <c> {m} and width <d> {m} . what height does it reach ?",
                "how high does this volume stand in a box that is <c> {m} long and <d> {m} wide ?",
            ),
            answer="# {m}",
            wraps=(
                "the {liquid} from @ is poured into a box of length <c> {m} and width <d> {m} . what height does it reach ?",
            ),
        ),
        Event(
            name="more_cube",
            takes="volume",
            gives="volume",
            formula="it + volume_cube(c)",
            numbers={"c": range(3, 20)},
            texts=("a cube with an edge of <c> {m} is added .",),
            asks=(
                "a cube with an edge of <c> {m} is added . what is the total volume ?",
                "what is its volume together with a cube of side <c> {m} ?",
            ),
            answer="# {cubic_m}",
            wraps=("what is the volume of a cube of side <c> {m} together with @ ?",),
        ),
        Event(
            name="cost",
            takes="volume",
            gives="money",
            formula="it * m",
            numbers={"m": _RATE},
            texts=("the {liquid} to fill it costs {$} <m> per cubic {one_m} .",),
            asks=(
                "what does the {liquid} to fill this volume cost at {$} <m> per cubic {one_m} ?",
            ),
            answer="{$} #",
            wraps=("at {$} <m> per cubic {one_m} , what does the {liquid} to fill @ cost ?",),
        ),
        Event(
            name="fee",
            takes="money",
            gives=None,
            formula="it + m",
            numbers={"m": range(10, 300, 5)},
            texts=(),
            asks=(
                "the truck costs another {$} <m> . what is the total cost ?",
                "what is the total cost with {$} <m> for the work ?",
            ),
            answer="{$} #",
        ),
    ),
    most=30,
)

STORIES = (AREAS, FENCES, SOLIDS)
