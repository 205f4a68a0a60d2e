"""Templates that are scored and never trained on: ideas of the training templates put together in ways that do not occur "
"there."""

from corpus.problems.generated.template import of_category

_general, _gain, _geometry = of_category("general"), of_category("gain"), of_category("geometry")
_physics, _probability, _other = (
    of_category("physics"),
    of_category("probability"),
    of_category("other"),
)

TEMPLATES = (
    _general(
        "heldout_change_two_kinds",
        "paid - (count * price + other_count * other_price)",
        {
            "paid": (500, 1000, 2000, 5000),
            "count": range(2, 30),
            "price": range(3, 60),
            "other_count": range(2, 30),
            "other_price": range(3, 60),
        },
        "{$} #",
        "{person} takes <count> {items} at {$} <price> each and <other_count> {items2} at {$} <other_price> each and pays with "
        "a note of "
        "{$} <paid> . find the change .",
        "with a banknote of {$} <paid> , {person} pays for <count> {items} of {$} <price> each and <other_count> {items2} of "
        "{$} <other_price> each . how much change does {he} receive ?",
    ),
    _general(
        "heldout_percent_gone_then_shared",
        "total * (100 - percent) / 100 / people",
        {"total": range(60, 2500, 10), "percent": range(5, 91, 5), "people": range(3, 20)},
        "#",
        "<percent> % of the <total> {items} of {person} are broken . "
        "the remaining {items} are shared equally among <people> children . "
        "how many does each child receive ?",
        "{person} has {$} <total> and spends <percent> percent of it . the rest is divided equally among <people> friends . "
        "how much does each of them get ?",
        whole=True,
    ),
    _general(
        "heldout_average_of_three_raised",
        "(first + second + third) / 3 + added",
        {
            "first": range(10, 200),
            "second": range(10, 200),
            "third": range(10, 200),
            "added": range(5, 60),
        },
        "#",
        "what is the sum of <added> and the average of <first> , <second> and <third> ?",
        "{person} has <first> , <second> and <third> marks in three tests . "
        "{person2} has <added> marks more than {his} average . "
        "how many marks does {person2} have ?",
    ),
    _general(
        "heldout_weeks_from_income",
        "(price - saved) / (income - expense)",
        {
            "price": range(200, 2500, 10),
            "saved": range(10, 200, 5),
            "income": range(40, 200),
            "expense": range(10, 150),
        },
        "#",
        "{person} earns {$} <income> a week and spends {$} <expense> of it . {he} has {$} <saved> . "
        "how many weeks does {he} need to buy "
        "a {good} that costs {$} <price> ?",
        "a {good} costs {$} <price> . {person} already has {$} <saved> , and every week {he} earns {$} <income> and spends {$} "
        "<expense> . "
        "after how many weeks can {he} buy the {good} ?",
        whole=True,
    ),
    _general(
        "heldout_boxes_shared_after_gift",
        "(boxes * each - given) / people",
        {
            "boxes": range(3, 40),
            "each": range(4, 60),
            "given": range(5, 90),
            "people": range(3, 20),
        },
        "#",
        "{person} has <boxes> packs of <each> {items} each . "
        "{he} gives <given> {items} to {person2} and shares the rest equally among "
        "<people> friends . how many {items} does each friend get ?",
        "there are <boxes> boxes with <each> {items} each in a store . "
        "<given> {items} are sold and the remaining {items} are divided "
        "equally among <people> people . how many does each person receive ?",
        whole=True,
    ),
    _gain(
        "heldout_discount_on_many",
        "count * price * (100 - percent) / 100",
        {"count": range(3, 60), "price": range(5, 90), "percent": range(5, 61, 5)},
        "{$} #",
        "{person} buys <count> {items} at {$} <price> each with a discount of <percent> % . how much does {he} pay in all ?",
        "the price of one {item} is {$} <price> . find the total cost of <count> {items} after a discount of <percent> percent .",
    ),
    _gain(
        "heldout_profit_after_transport",
        "(sold - cost) * count - transport",
        {
            "cost": range(5, 90),
            "sold": range(15, 140),
            "count": range(10, 90),
            "transport": range(10, 200, 5),
        },
        "{$} #",
        "{seller} buys <count> {items} for {$} <cost> each , pays {$} <transport> for a truck and sells each {item} for {$} "
        "<sold> . "
        "what is the total profit ?",
        "each {item} costs {seller} {$} <cost> and is sold at {$} <sold> . after a rent of {$} <transport> , "
        "what is the gain on <count> {items} ?",
    ),
    _gain(
        "heldout_wage_after_tax",
        "hours * rate * (100 - percent) / 100 + bonus",
        {
            "hours": range(4, 60),
            "rate": range(5, 60),
            "percent": range(5, 41, 5),
            "bonus": range(20, 300, 5),
        },
        "{$} #",
        "a worker earns {$} <rate> an hour for <hours> hours and pays a tax of <percent> % on it . "
        "then {$} <bonus> are added as a bonus . "
        "how much money does the worker get ?",
        "{person} works <hours> hours at {$} <rate> per hour , of which <percent> percent goes as tax , and gets a bonus of "
        "{$} <bonus> . "
        "what is {his} total pay ?",
    ),
    _gain(
        "heldout_interest_difference",
        "principal * rate * years / 100 - other * other_rate * years / 100",
        {
            "principal": range(2000, 9000, 50),
            "rate": range(5, 16),
            "other": range(200, 4000, 50),
            "other_rate": range(2, 14),
            "years": range(2, 12),
        },
        "{$} #",
        "{person} lends {$} <principal> at <rate> % and {person2} lends {$} <other> at <other_rate> % simple interest per year . "
        "how much more interest does {person} get in <years> years ?",
        "find the difference of the simple interest for <years> years on {$} <principal> at <rate> percent and on {$} <other> at "
        "<other_rate> percent .",
    ),
    _gain(
        "heldout_share_after_expense",
        "(profit - expense) * own / (own + other)",
        {
            "profit": range(900, 6000, 30),
            "expense": range(60, 800, 30),
            "own": range(500, 9000, 500),
            "other": range(500, 9000, 500),
        },
        "{$} #",
        "{person} and {person2} invest {$} <own> and {$} <other> in a shop . "
        "out of the profit of {$} <profit> they pay a rent of "
        "{$} <expense> and share the rest . how much does {person} receive ?",
        "a business earns a profit of {$} <profit> and spends {$} <expense> on repairs . {person} put in {$} <own> and {person2} "
        "{$} <other> . what is the share of {person} in the remaining profit ?",
    ),
    _geometry(
        "heldout_rectangle_fence_cost",
        "rectangle_perimeter(length, width) * rate",
        {"length": range(8, 90), "width": range(4, 60), "rate": range(2, 40)},
        "{$} #",
        "a {plot} is <length> {m} long and <width> {m} wide . what is the cost of fencing it at {$} <rate> per {one_m} ?",
        "at {$} <rate> per {one_m} , how much does a fence around a garden of length <length> {m} and width <width> {m} cost ?",
    ),
    _geometry(
        "heldout_round_floor_cost",
        "circle_area(radius) * rate",
        {"radius": range(3, 50), "rate": range(2, 50)},
        "{$} #",
        "the radius of a circular {plot} is <radius> {m} . what is the cost of [tiling|paving] it at {$} <rate> per {one_sq_m} ?",
        "find the cost of [painting|covering] a round floor of radius <radius> {m} if one {one_sq_m} costs {$} <rate> .",
    ),
    _geometry(
        "heldout_rectangle_minus_square",
        "rectangle_area(length, width) - square_area(side)",
        {"length": range(20, 90), "width": range(15, 70), "side": range(4, 30)},
        "# {sq_m}",
        "from a {sheet} of length <length> {m} and width <width> {m} , a square of side <side> {m} is cut out . "
        "what area remains ?",
        "inside a {plot} that is <length> {m} long and <width> {m} wide there is a square pool with a side of <side> {m} . "
        "find the area of the rest .",
    ),
    _geometry(
        "heldout_cubes_in_box",
        "volume_rectangular_prism(length, width, height) / volume_cube(edge)",
        {
            "length": range(8, 60, 2),
            "width": range(6, 40, 2),
            "height": range(4, 30, 2),
            "edge": range(2, 7),
        },
        "#",
        "how many cubes of side <edge> {m} are needed to fill a box that is <length> {m} long , <width> {m} wide and <height> "
        "{m} high ?",
        "a block of length <length> {m} , width <width> {m} and height <height> {m} is cut into cubes of edge <edge> {m} . "
        "how many cubes are there ?",
        whole=True,
    ),
    _physics(
        "heldout_average_speed_from_legs",
        "(speed * hours + other_speed * other_hours) / (hours + other_hours)",
        {
            "speed": range(20, 100),
            "hours": range(2, 10),
            "other_speed": range(20, 100),
            "other_hours": range(2, 10),
        },
        "# {kmph}",
        "a {vehicle} runs at <speed> {kmph} for <hours> hours and at <other_speed> {kmph} for <other_hours> hours . "
        "what is its average speed for the whole trip ?",
        "{person} drives for <hours> hours at <speed> {kmph} and for the next <other_hours> hours at <other_speed> {kmph} . "
        "find the average speed .",
    ),
    _physics(
        "heldout_two_legs_time_with_rest",
        "distance / speed + other_distance / other_speed + rest",
        {
            "distance": range(40, 400, 10),
            "speed": range(20, 90, 5),
            "other_distance": range(40, 400, 10),
            "other_speed": range(20, 90, 5),
            "rest": range(2, 7),
        },
        "# hours",
        "{person} travels <distance> {km} at a speed of <speed> {kmph} , rests for <rest> hours and drives <other_distance> "
        "{km} at "
        "<other_speed> {kmph} . how many hours does the trip take in all ?",
        "a {vehicle} covers <distance> {km} at <speed> {kmph} and then <other_distance> {km} at <other_speed> {kmph} , and "
        "stops for <rest> "
        "hours on the way . find the total time .",
    ),
    _physics(
        "heldout_apart_with_start",
        "(speed + other_speed) * hours + start",
        {
            "speed": range(10, 90),
            "other_speed": range(10, 90),
            "hours": range(2, 12),
            "start": range(10, 200, 5),
        },
        "# {km}",
        "two {vehicle}s are <start> {km} apart and run in opposite directions , away from each other , at <speed> {kmph} and "
        "<other_speed> {kmph} . what is the distance between them after <hours> hours ?",
        "{person} and {person2} live <start> {km} apart . they drive away from each other at <speed> and <other_speed> {kmph} . "
        "how far apart are they in <hours> hours ?",
    ),
    _physics(
        "heldout_machines_good_output",
        "machines * rate * hours - bad",
        {
            "machines": range(2, 30),
            "rate": range(5, 90),
            "hours": range(2, 24),
            "bad": range(5, 300),
        },
        "#",
        "<machines> machines make <rate> {items} each in an hour . after <hours> hours , <bad> of the {items} are broken . "
        "how many good {items} are left ?",
        "one machine makes <rate> {items} per hour . "
        "<machines> machines work for <hours> hours and <bad> {items} are taken away . "
        "how many {items} remain ?",
        whole=True,
    ),
    _probability(
        "heldout_either_color",
        "(one + other) / (one + other + third)",
        {"one": range(2, 16), "other": range(2, 16), "third": range(2, 16)},
        "fraction",
        "there are <one> {color} , <other> {color2} and <third> {color3} {balls} in a {bag} . a {ball} is drawn at random . "
        "find the probability that it is {color} or {color2} .",
        "a {bag} contains <third> {color3} , <one> {color} and <other> {color2} {balls} . what is the chance to pick "
        "a {color} or a {color2} {ball} ?",
    ),
    _probability(
        "heldout_handshakes_in_two_rooms",
        "choose(people, 2) + choose(others, 2)",
        {"people": range(5, 40), "others": range(5, 40)},
        "#",
        "<people> people meet in one room and <others> people in another room . "
        "in each room everybody shakes hands once with every other . "
        "how many handshakes are there in all ?",
        "a club has <people> boys and <others> girls . "
        "each boy plays one match against every other boy and each girl one match against "
        "every other girl . how many matches are played altogether ?",
    ),
    _other(
        "heldout_ratio_difference",
        "total * (own - other) / (own + other)",
        {"total": range(60, 3000, 6), "own": range(3, 14), "other": range(2, 12)},
        "{$} #",
        "{person} and {person2} share {$} <total> in the ratio <own> : <other> . how much more does {person} get than {person2} ?",
        "{$} <total> is divided between {person2} and {person} in the ratio <other> : <own> . "
        "find the difference of their shares .",
    ),
    _other(
        "heldout_recipe_cost",
        "amount * wanted / made * price",
        {
            "amount": range(2, 60),
            "made": range(4, 40),
            "wanted": range(5, 90),
            "price": range(2, 30),
        },
        "{$} #",
        "<amount> kg of {food} are needed for <made> cakes . a kg of {food} costs {$} <price> . "
        "what does the {food} for <wanted> cakes cost ?",
        "<made> people need <amount> kg of {food} . at {$} <price> per kg , find the cost of the {food} for <wanted> people .",
    ),
)
