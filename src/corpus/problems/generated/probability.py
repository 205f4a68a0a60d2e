"""Templates of the category probability: chances, and the ways of choosing and arranging."""

from corpus.problems.generated.template import of_category

_probability = of_category("probability")
_FEW = range(2, 16)

TEMPLATES = (
    _probability(
        "one_of_two_colors",
        "wanted / (wanted + other)",
        {"wanted": _FEW, "other": _FEW},
        "fraction",
        "a {bag} contains <wanted> {color} {balls} and <other> {color2} {balls} . one {ball} is drawn at random . "
        "what is the probability that it is {color} ?",
        "a {ball} is taken from a {bag} with <other> {color2} and <wanted> {color} {balls} . "
        "find the probability of a {color} {ball} .",
    ),
    _probability(
        "one_of_three_colors",
        "wanted / (wanted + second + third)",
        {"wanted": _FEW, "second": _FEW, "third": _FEW},
        "fraction",
        "a {bag} contains <wanted> {color} , <second> {color2} and <third> {color3} {balls} . one {ball} is drawn at random . "
        "what is the probability that it is {color} ?",
        "there are <second> {color2} , <wanted> {color} and <third> {color3} {balls} in a {bag} . "
        "find the probability of drawing a {color} one .",
        "what is the chance to pick a {color} {ball} from a {bag} of <second> {color2} , <third> {color3} and <wanted> {color} "
        "{balls} ?",
    ),
    _probability(
        "not_of_three_colors",
        "1 - unwanted / (unwanted + second + third)",
        {"unwanted": _FEW, "second": _FEW, "third": _FEW},
        "fraction",
        "a {bag} contains <unwanted> {color} , <second> {color2} and <third> {color3} {balls} . one {ball} is drawn at random . "
        "what is the probability that it is not {color} ?",
        "there are <second> {color2} , <third> {color3} and <unwanted> {color} {balls} in a {bag} . "
        "find the probability that a {ball} drawn from it is not {color} .",
    ),
    _probability(
        "two_same_color",
        "choose(wanted, 2) / choose(wanted + other, 2)",
        {"wanted": range(3, 12), "other": range(3, 12)},
        "fraction",
        "a {bag} contains <wanted> {color} and <other> {color2} {balls} . two {balls} are drawn at random . "
        "what is the probability that both are {color} ?",
        "two {balls} are taken together from a {bag} of <other> {color2} and <wanted> {color} {balls} . "
        "find the probability that both of them are {color} .",
    ),
    _probability(
        "one_of_each",
        "wanted * other / choose(wanted + other, 2)",
        {"wanted": range(3, 12), "other": range(3, 12)},
        "fraction",
        "a {bag} contains <wanted> {color} and <other> {color2} {balls} . two {balls} are drawn at random . "
        "what is the probability that one is {color} and one is {color2} ?",
        "{group} picks two of its members , who are <wanted> men and <other> women . "
        "find the probability of one man and one woman .",
    ),
    _probability(
        "both_happen",
        "one * other / 100",
        {"one": range(5, 96, 5), "other": range(5, 96, 5)},
        "# %",
        "the probability of rain on monday is <one> % and on tuesday <other> % . "
        "what is the probability of rain on both days , in percent ?",
        "{person} hits the target with a chance of <one> percent and {person2} with a chance of <other> percent . "
        "in what percent of the trials do both hit it ?",
    ),
    _probability(
        "neither_happens",
        "(100 - one) * (100 - other) / 100",
        {"one": range(5, 96, 5), "other": range(5, 96, 5)},
        "# %",
        "the probability of rain on monday is <one> % and on tuesday <other> % . "
        "what is the probability of no rain on both days , in percent ?",
        "{person} passes a test with a chance of <one> percent and {person2} with a chance of <other> percent . "
        "what is the chance that neither passes , in percent ?",
    ),
    _probability(
        "choose_group",
        "choose(people, places)",
        {"people": range(6, 16), "places": range(2, 5)},
        "#",
        "in how many ways can a [committee|team] of <places> be chosen from <people> people ?",
        "{person} picks <places> of <people> {items} . how many different choices are there ?",
    ),
    _probability(
        "choose_two_groups",
        "choose(men, places) * choose(women, other_places)",
        {
            "men": range(4, 13),
            "women": range(4, 13),
            "places": range(2, 5),
            "other_places": range(2, 5),
        },
        "#",
        "in how many ways can a committee of <places> men and <other_places> women be chosen from <men> men and <women> women ?",
        "there are <men> boys and <women> girls in a class . "
        "how many teams of <places> boys and <other_places> girls can be [chosen|formed] ?",
    ),
    _probability(
        "arrange",
        "factorial(things)",
        {"things": range(3, 10)},
        "#",
        "in how many ways can <things> {items} be arranged in a row ?",
        "<things> friends stand in a line . how many different orders are there ?",
    ),
    _probability(
        "arrange_two_shelves",
        "factorial(things) * factorial(others)",
        {"things": range(3, 8), "others": range(3, 8)},
        "#",
        "in how many ways can <things> {items} be arranged in one row and <others> {items2} in another row ?",
        "<things> boys stand in one line and <others> girls in another line . how many different orders are there ?",
    ),
    _probability(
        "handshakes",
        "choose(people, 2)",
        {"people": range(5, 60)},
        "#",
        "<people> people meet and each shakes hands once with every other . how many handshakes are there ?",
        "each of <people> teams plays one match against every other team . how many matches are played ?",
    ),
    _probability(
        "matches_twice",
        "choose(teams, 2) * times",
        {"teams": range(5, 40), "times": range(2, 7)},
        "#",
        "each of <teams> teams plays <times> matches against every other team . how many matches are played ?",
        "<teams> players meet in a club . each plays every other one <times> times . what is the number of games ?",
    ),
    _probability(
        "outfits",
        "shirts * trousers * shoes",
        {"shirts": range(3, 20), "trousers": range(2, 15), "shoes": range(2, 10)},
        "#",
        "{person} has <shirts> shirts , <trousers> trousers and <shoes> pairs of shoes . "
        "how many different outfits can {he} wear ?",
        "a menu has <shirts> soups , <trousers> main dishes and <shoes> cakes . how many different meals are there ?",
    ),
    _probability(
        "codes",
        "power(letters, length)",
        {"letters": range(2, 12), "length": range(2, 6)},
        "#",
        "how many codes of length <length> can be written with <letters> letters , if letters may be repeated ?",
        "a lock has <length> wheels with <letters> letters each . how many different codes are there ?",
    ),
    _probability(
        "lottery",
        "bought / sold",
        {"bought": range(2, 30), "sold": range(40, 900, 10)},
        "fraction",
        "<sold> tickets of a lottery are sold and one of them wins . {person} has <bought> tickets . "
        "what is the probability that {he} wins ?",
        "{person} holds <bought> of the <sold> tickets in a {bag} . one ticket is drawn . find {his} chance of winning .",
    ),
    _probability(
        "lottery_lose",
        "1 - bought / sold",
        {"bought": range(2, 30), "sold": range(40, 300, 10)},
        "fraction",
        "<sold> tickets of a lottery are sold and one of them wins . {person} has <bought> tickets . "
        "what is the probability that {he} does not win ?",
        "out of <sold> {items} , <bought> are bad . one {item} is picked at random . find the probability that it is not bad .",
    ),
)
