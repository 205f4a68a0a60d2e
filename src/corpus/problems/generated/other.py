"""Templates of the category other: ratios, ages, sequences, divisors, recipes and maps."""

from corpus.problems.generated.template import decimals, of_category

_other = of_category("other")

TEMPLATES = (
    _other(
        "ratio_share",
        "total * own / (own + other)",
        {"total": range(60, 3000, 6), "own": range(2, 12), "other": range(2, 12)},
        "{$} #",
        "{$} <total> is divided between {person} and {person2} in the ratio <own> : <other> . "
        "how much does {person} [get|receive] ?",
        "{person} and {person2} share {$} <total> in the ratio <own> : <other> . what is the share of {person} ?",
        "divide {$} <total> between {person2} and {person} in the ratio <other> : <own> . find the share of {person} .",
    ),
    _other(
        "ratio_three",
        "total * own / (own + second + third)",
        {
            "total": range(60, 3000, 6),
            "own": range(2, 12),
            "second": range(2, 12),
            "third": range(2, 12),
        },
        "{$} #",
        "{$} <total> is divided among {person} , {person2} and {person3} in the ratio <own> : <second> : <third> . "
        "what is the share of {person} ?",
        "{person3} , {person} and {person2} share {$} <total> in the ratio <third> : <own> : <second> . "
        "how much does {person} [get|receive] ?",
    ),
    _other(
        "ratio_other_part",
        "part * other / own",
        {"part": range(20, 900, 2), "own": range(2, 12), "other": range(2, 12)},
        "#",
        "the ratio of boys to girls in {group} is <own> : <other> . if there are <part> boys , how many girls are there ?",
        "{person} and {person2} have {items} in the ratio <own> : <other> . {person} has <part> {items} . "
        "how many does {person2} have ?",
        whole=True,
    ),
    _other(
        "ratio_total",
        "part * (own + other) / own",
        {"part": range(20, 900, 2), "own": range(2, 12), "other": range(2, 12)},
        "#",
        "the ratio of boys to girls in {group} is <own> : <other> . "
        "if there are <part> boys , how many {members} are there [altogether|in all] ?",
        "two numbers are in the ratio <own> : <other> . the first number is <part> . find the sum of the numbers .",
        whole=True,
    ),
    _other(
        "ratio_unit_difference",
        "difference * own / (own - other)",
        {"difference": range(6, 400, 2), "own": range(4, 15), "other": range(2, 12)},
        "#",
        "two numbers are in the ratio <own> : <other> and their difference is <difference> . find the larger number .",
        "the ratio of {items} to {items2} in a shop is <own> : <other> . if there are <difference> more {items} than {items2} , "
        "how many {items} are there ?",
        whole=True,
    ),
    _other(
        "recipe",
        "amount * wanted / made",
        {"amount": range(2, 60), "made": range(4, 40), "wanted": range(5, 90)},
        "#",
        "<amount> cups of {food} are needed for <made> cakes . how many cups are needed for <wanted> cakes ?",
        "if <made> {items} weigh <amount> kg , what do <wanted> {items} weigh in kg ?",
        "how much {food} is needed for <wanted> people , if <made> people need <amount> kg ?",
    ),
    _other(
        "map_scale",
        "measured * distance / length",
        {"measured": decimals(1.5, 30, 0.5), "length": range(2, 12), "distance": range(5, 120, 5)},
        "# {km}",
        "on a map <length> cm stand for <distance> {km} . "
        "how many {km} apart are two towns that are <measured> cm apart on the map ?",
        "two towns are <measured> cm apart on a map . if <length> cm on the map mean <distance> {km} , find the real distance .",
    ),
    _other(
        "larger_of_sum_difference",
        "(sum + difference) / 2",
        {"sum": range(30, 600), "difference": range(3, 150)},
        "#",
        "the sum of two numbers is <sum> and their difference is <difference> . find the larger number .",
        "{person} and {person2} together have <sum> {items} . {person} has <difference> more than {person2} . "
        "how many does {person} have ?",
        whole=True,
    ),
    _other(
        "smaller_of_sum_difference",
        "(sum - difference) / 2",
        {"sum": range(60, 600), "difference": range(3, 150)},
        "#",
        "the sum of two numbers is <sum> and their difference is <difference> . find the smaller number .",
        "{person} and {person2} together have <sum> {items} . {person} has <difference> less than {person2} . "
        "how many does {person} have ?",
        whole=True,
    ),
    _other(
        "sum_times_difference",
        "(one + other) * (one - other)",
        {"one": range(12, 90), "other": range(3, 60)},
        "#",
        "what is the product of the sum and the difference of <one> and <other> ?",
        "the sum of <one> and <other> is multiplied by their difference . find the result .",
    ),
    _other(
        "age_after",
        "older + years + (younger + years)",
        {"older": range(25, 70), "younger": range(3, 24), "years": range(2, 20)},
        "#",
        "{person} is <older> years old and {person2} is <younger> years old . what is the sum of their ages after <years> years ?",
        "<years> years from now , what will be the sum of the ages of {person} and {person2} , who are now <older> and "
        "<younger> years old ?",
    ),
    _other(
        "age_before",
        "one + other - 2 * years",
        {"one": range(25, 70), "other": range(20, 60), "years": range(2, 16)},
        "#",
        "{person} is <one> years old and {person2} is <other> years old . what was the sum of their ages <years> years ago ?",
        "what was the sum of the ages of two brothers <years> years ago , if they are now <one> and <other> years old ?",
    ),
    _other(
        "age_times",
        "age * times - years",
        {"age": range(6, 30), "times": range(2, 6), "years": range(2, 12)},
        "#",
        "{person} is <age> years old . {his} father is <times> times as old . how old was the father <years> years ago ?",
        "the age of a mother is <times> times the age of her son , who is <age> years old . what was her age <years> years ago ?",
        highest=95,
    ),
    _other(
        "age_times_after",
        "age * times + years",
        {"age": range(6, 30), "times": range(2, 6), "years": range(2, 20)},
        "#",
        "{person} is <age> years old . {his} uncle is <times> times as old . how old will the uncle be after <years> years ?",
        "a teacher is <times> times as old as a pupil of <age> years . "
        "what will be the age of the teacher <years> years from now ?",
        highest=95,
    ),
    _other(
        "remainder",
        "reminder(number, divisor)",
        {"number": range(50, 2000), "divisor": range(6, 40)},
        "#",
        "what is the remainder when <number> is divided by <divisor> ?",
        "{person} packs <number> {items} in boxes of <divisor> . how many {items} do not fit in a full box ?",
        whole=True,
    ),
    _other(
        "bells",
        "lcm(one, other)",
        {"one": range(4, 40), "other": range(4, 40)},
        "# minutes",
        "two bells ring every <one> and <other> minutes . they ring together now . "
        "after how many minutes do they ring together again ?",
        "one bus leaves every <one> minutes and another bus every <other> minutes . both leave now . "
        "in how many minutes do both leave again ?",
        whole=True,
    ),
    _other(
        "largest_pieces",
        "gcd(one, other)",
        {"one": range(12, 300, 6), "other": range(12, 300, 4)},
        "# {m}",
        "two ropes of <one> {m} and <other> {m} are cut into equal pieces . what is the greatest length of a piece ?",
        "find the greatest number that divides both <one> and <other> .",
        whole=True,
    ),
    _other(
        "sum_of_first",
        "last * (last + 1) / 2",
        {"last": range(8, 150)},
        "#",
        "what is the sum of the first <last> natural numbers ?",
        "{person} puts one {item} in the first box , two in the second , three in the third and so on . "
        "how many are in <last> boxes ?",
    ),
    _other(
        "sequence_term",
        "first + (place - 1) * step",
        {"first": range(2, 60), "place": range(5, 60), "step": range(2, 20)},
        "#",
        "a sequence starts with <first> and grows by <step> each time . what is its term number <place> ?",
        "{person} saves {$} <first> in the first week and {$} <step> more every week than in the week before . "
        "how much does {he} save in week <place> ?",
    ),
    _other(
        "trees_in_row",
        "length / gap + 1",
        {"length": range(40, 900, 5), "gap": range(2, 30)},
        "#",
        "trees are planted along a road of <length> {m} , one every <gap> {m} and one at each end . how many trees are there ?",
        "a fence of <length> {m} has a post every <gap> {m} , with posts at both ends . find the number of posts .",
        whole=True,
    ),
    _other(
        "water_added_percent",
        "liquid * percent / 100 / (liquid + water) * 100",
        {"liquid": range(10, 90, 2), "percent": range(5, 91, 5), "water": range(2, 40)},
        "# %",
        "<water> liters of water are added to <liquid> liters of a mixture with <percent> % acid . "
        "what is the percent of acid in the new mixture ?",
        "a mixture of <liquid> liters has <percent> percent alcohol . "
        "what percent of it is alcohol after <water> liters of water are added ?",
        highest=95,
    ),
    _other(
        "mixture_content",
        "first * first_percent / 100 + second * second_percent / 100",
        {
            "first": range(10, 200, 5),
            "first_percent": range(5, 61, 5),
            "second": range(10, 200, 5),
            "second_percent": range(5, 61, 5),
        },
        "# liters",
        "<first> liters of a mixture with <first_percent> % alcohol and <second> liters with <second_percent> % alcohol are "
        "mixed . "
        "how many liters of alcohol are there in all ?",
        "{person} spends <first_percent> % of {his} {$} <first> and {person2} spends <second_percent> % of {his2} {$} <second> . "
        "how much do they spend altogether ?",
    ),
)
