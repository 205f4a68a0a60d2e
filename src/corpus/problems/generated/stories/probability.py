"""Stories of the category probability: numbers of ways, and chances over many games."""

from corpus.problems.generated.options import FRACTION
from corpus.problems.generated.stories.story import Event, Story, opening

_FEW, _PERCENT = range(2, 16), range(5, 96, 5)

WAYS = Story(
    name="ways",
    category="probability",
    openings=(
        opening(
            "pairs",
            "ways",
            "choose(a, 2)",
            {"a": range(5, 40)},
            "each of <a> teams plays one match against every other team .",
            "<a> people meet and each shakes hands once with every other .",
        ),
        opening(
            "teams",
            "ways",
            "choose(a, b)",
            {"a": range(6, 14), "b": range(2, 5)},
            "{person} counts the different teams of <b> that can be chosen from <a> people .",
            "a list shows every way of choosing <b> of <a> people .",
        ),
        opening(
            "orders",
            "ways",
            "factorial(a)",
            {"a": range(3, 8)},
            "{person} counts the different orders of <a> {items} in a row .",
            "a list shows every way of arranging <a> friends in a line .",
        ),
        opening(
            "outfits",
            "ways",
            "a * b",
            {"a": range(3, 30), "b": range(3, 30)},
            "{person} counts the different outfits of one of <a> shirts and one of <b> trousers .",
            "a menu has <a> soups and <b> cakes , and a meal is one of each .",
        ),
        opening(
            "codes",
            "ways",
            "power(a, b)",
            {"a": range(3, 10), "b": range(2, 5)},
            "{person} counts the different codes of length <b> that can be written with <a> letters .",
            "a lock has <b> wheels with <a> letters each , and a list shows every code .",
        ),
    ),
    events=(
        Event(
            name="minutes",
            takes="ways",
            gives="total",
            formula="it * m",
            numbers={"m": range(2, 40)},
            texts=("each one takes <m> minutes .",),
            asks=(
                "each one takes <m> minutes . how many minutes is that in all ?",
                "how many minutes do all of them take , at <m> minutes each ?",
            ),
        ),
        Event(
            name="forbidden",
            takes="ways",
            gives="ways",
            formula="it - m",
            numbers={"m": range(2, 40)},
            texts=("<m> of them are taken away .",),
            asks=(
                "<m> of them are not allowed . how many remain ?",
                "how many are left without <m> of them ?",
            ),
            whole=True,
        ),
        Event(
            name="more",
            takes="ways",
            gives="ways",
            formula="it + m",
            numbers={"m": range(2, 90)},
            texts=("<m> more are added .",),
            asks=(
                "<m> more are added . how many are there altogether ?",
                "how many are there in all with another <m> ?",
            ),
            whole=True,
        ),
        Event(
            name="percent",
            takes="ways",
            gives="ways",
            formula="it * p / 100",
            numbers={"p": _PERCENT},
            texts=("only <p> % of them are allowed .",),
            asks=(
                "only <p> % of them are allowed . how many are allowed ?",
                "how many of them are good , if <p> percent are good ?",
            ),
            whole=True,
        ),
        Event(
            name="other_orders",
            takes="ways",
            gives="ways",
            formula="it + factorial(c)",
            numbers={"c": range(3, 8)},
            texts=("then every order of <c> {items2} in a row is added .",),
            asks=("how many are there together with all the orders of <c> {items2} in a row ?",),
            whole=True,
        ),
        Event(
            name="other_teams",
            takes="ways",
            gives="ways",
            formula="it + choose(c, d)",
            numbers={"c": range(6, 14), "d": range(2, 5)},
            texts=("then every team of <d> chosen from <c> girls is added .",),
            asks=(
                "how many are there in all with the different teams of <d> chosen from <c> girls ?",
            ),
            whole=True,
        ),
        Event(
            name="other_pairs",
            takes="ways",
            gives="ways",
            formula="it + choose(c, 2)",
            numbers={"c": range(4, 40)},
            texts=("then <c> girls meet and each shakes hands once with every other .",),
            asks=(
                "how many are there altogether with the matches of another <c> teams , each of which plays every other once ?",
                "<c> girls shake hands , each once with every other . how many are there altogether ?",
            ),
            whole=True,
        ),
        Event(
            name="times_teams",
            takes="ways",
            gives="ways",
            formula="it * choose(c, 2)",
            numbers={"c": range(4, 12)},
            texts=("each of them goes with every pair of <c> boys .",),
            asks=(
                "each of them goes with every pair of <c> boys . how many different ways are there ?",
            ),
            whole=True,
        ),
        Event(
            name="judges",
            takes="ways",
            gives=None,
            formula="it / k",
            numbers={"k": range(2, 12)},
            texts=(),
            asks=("they are divided equally among <k> people . how many does each person get ?",),
            whole=True,
        ),
        Event(
            name="pay",
            takes="total",
            gives=None,
            formula="it * m",
            numbers={"m": range(2, 12)},
            texts=(),
            asks=("a minute costs {$} <m> . how much is paid in all ?",),
            answer="{$} #",
        ),
    ),
    most=60,
)

CHANCES = Story(
    name="chances",
    category="probability",
    openings=(
        opening(
            "two_colors",
            "chance",
            "a / (a + b)",
            {"a": _FEW, "b": _FEW},
            "a {bag} contains <a> {color} and <b> {color2} {balls} . {person} draws one {ball} at random and wants a {color} one .",
            "there are <b> {color2} and <a> {color} {balls} in a {bag} . {person} wins by drawing a {color} {ball} .",
        ),
        opening(
            "three_colors",
            "chance",
            "a / (a + b + c)",
            {"a": _FEW, "b": _FEW, "c": _FEW},
            "a {bag} contains <a> {color} , <b> {color2} and <c> {color3} {balls} . "
            "{person} draws one {ball} at random and wants a {color} one .",
            "there are <b> {color2} , <c> {color3} and <a> {color} {balls} in a {bag} . "
            "{person} wins by drawing a {color} {ball} .",
        ),
        opening(
            "either_of_four",
            "chance",
            "(a + b) / (a + b + c + d)",
            {"a": _FEW, "b": _FEW, "c": _FEW, "d": _FEW},
            "a {bag} contains <a> {color} , <b> {color2} , <c> {color3} and <d> {color4} {balls} . "
            "{person} draws one {ball} and wants a {color} "
            "or a {color2} one .",
            "there are <c> {color3} , <d> {color4} , <a> {color} and <b> {color2} {balls} in a {bag} . {person} wins by drawing "
            "a {color} or a {color2} {ball} .",
        ),
        opening(
            "lottery",
            "chance",
            "a / b",
            {"a": range(2, 30), "b": range(40, 300, 10)},
            "{person} has <a> of the <b> tickets of a lottery in which one ticket wins .",
            "one of <b> tickets wins , and {person} holds <a> tickets .",
        ),
    ),
    events=(
        Event(
            name="plain",
            takes="chance",
            gives=None,
            formula="it",
            numbers={},
            texts=(),
            asks=("what is the probability of that ?", "find the chance that {he} wins ."),
            answer=FRACTION,
        ),
        Event(
            name="not",
            takes="chance",
            gives="chance",
            formula="1 - it",
            numbers={},
            texts=(),
            asks=(
                "what is the probability that {he} does not win ?",
                "find the chance of losing .",
            ),
            answer=FRACTION,
        ),
        Event(
            name="games",
            takes="chance",
            gives="games",
            formula="it * m",
            numbers={"m": range(20, 900, 10)},
            texts=("{he} tries it <m> times .",),
            asks=(
                "how many times does {he} win in <m> such games ?",
                "{he} tries it <m> times . how often does {he} win on average ?",
            ),
        ),
        Event(
            name="both",
            takes="chance",
            gives=None,
            formula="it * p / 100",
            numbers={"p": _PERCENT},
            texts=(),
            asks=(
                "{person2} wins with a chance of <p> percent . what is the probability that both win ?",
                "the probability of rain is <p> % . find the chance that {person} wins and it rains .",
            ),
            answer=FRACTION,
        ),
        Event(
            name="prize",
            takes="games",
            gives=None,
            formula="it * m",
            numbers={"m": range(2, 60)},
            texts=(),
            asks=("each time {he} wins {he} gets {$} <m> . how much money does {he} get ?",),
            answer="{$} #",
        ),
        Event(
            name="less_stake",
            takes="games",
            gives=None,
            formula="it - m",
            numbers={"m": range(2, 60)},
            texts=(),
            asks=("if <m> wins are not counted , how many wins remain ?",),
        ),
    ),
    most=30,
)

STORIES = (WAYS, CHANCES)
