"""Templates of the category general: shopping, sharing, averages, percentages, number puzzles."""

from corpus.problems.generated.template import decimals, of_category

_general = of_category("general")

TEMPLATES = (
    _general(
        "total_cost",
        "count * price",
        {"count": range(3, 49), "price": range(2, 96), "age": range(12, 60)},
        "{$} #",
        "{person} [buys|purchases|orders] <count> {items} at {$} <price> each . "
        "[what is the total cost|how much does {he} pay in all] ?",
        "the price of one {item} is {$} <price> . what is the cost of <count> {items} ?",
        "{person} , who is <age> years old , [buys|gets] <count> {items} . each {item} costs {$} <price> . find the total cost .",
    ),
    _general(
        "unit_price",
        "total / count",
        {"count": range(3, 40), "total": range(30, 2400, 5)},
        "{$} #",
        "<count> {items} cost {$} <total> [altogether|in all] . what is the [price|cost] of one {item} ?",
        "{person} paid {$} <total> for <count> {items} of the same price . "
        "[find the price of each {item}|how much was each {item}] ?",
    ),
    _general(
        "how_many_bought",
        "money / price",
        {"money": range(60, 1500, 10), "price": range(3, 60)},
        "#",
        "each {item} costs {$} <price> . how many {items} can {person} buy with {$} <money> ?",
        "{person} has {$} <money> . how many {items} at {$} <price> each can {he} [buy|get] with [it|that money] ?",
        whole=True,
    ),
    _general(
        "change",
        "paid - count * price",
        {"paid": (50, 100, 200, 500, 1000, 2000), "count": range(2, 30), "price": range(2, 60)},
        "{$} #",
        "{person} [buys|bought] <count> {items} at {$} <price> each and [pays with|gives] a note of {$} <paid> . "
        "how much change does {he} get [back|] ?",
        "from a banknote of {$} <paid> , {person} pays for <count> {items} that cost {$} <price> each . what is the change ?",
        "one {item} costs {$} <price> . {person} takes <count> {items} and gives the seller {$} <paid> . "
        "find the change {he} receives .",
    ),
    _general(
        "two_kinds_total",
        "count * price + other_count * other_price",
        {
            "count": range(2, 40),
            "price": range(3, 70),
            "other_count": range(2, 40),
            "other_price": range(3, 70),
        },
        "{$} #",
        "{person} [buys|bought] <count> {items} at {$} <price> each and <other_count> {items2} at {$} <other_price> each . "
        "what is the total [cost|amount {he} pays] ?",
        "a {item} costs {$} <price> and a {item2} costs {$} <other_price> . "
        "what do <count> {items} and <other_count> {items2} cost [altogether|in all] ?",
        "{person} buys <count> kg of {food} at {$} <price> per kg and <other_count> kg of {food2} at {$} <other_price> per kg . "
        "how much does {he} [pay|spend] in all ?",
    ),
    _general(
        "sum_of_three",
        "first + second + third",
        {"first": range(5, 300), "second": range(5, 300), "third": range(5, 300)},
        "#",
        "{person} has <first> {items} , {person2} has <second> {items} and {person3} has <third> {items} . "
        "how many {items} do they have [altogether|in all|together] ?",
        "{the_seller} sold <first> {items} on monday , <second> on tuesday and <third> on wednesday . "
        "how many {items} were sold [altogether|in all] ?",
        whole=True,
    ),
    _general(
        "gave_away",
        "start - given",
        {"start": range(30, 900), "given": range(5, 300)},
        "#",
        "{person} had <start> {items} and gave <given> of them to {person2} . how many {items} [are left|remain] ?",
        "out of <start> {items} in a shop , <given> were sold . how many {items} are remaining ?",
        whole=True,
    ),
    _general(
        "gave_away_twice",
        "start - first - second",
        {"start": range(90, 900), "first": range(5, 200), "second": range(5, 200)},
        "#",
        "{person} had <start> {items} . {he} gave <first> to {person2} and <second> to "
        "{person3} . how many {items} are left [with {person}|] ?",
        "a shop had <start> {items} . it sold <first> in the morning and <second> in the evening . "
        "how many {items} [are remaining|remain] ?",
        "{person} has {$} <start> . {he} [spends|pays] {$} <first> for food and {$} <second> for rent . how much money is left ?",
    ),
    _general(
        "times_as_many",
        "base + base * times",
        {"base": range(4, 150), "times": range(2, 10)},
        "#",
        "{person} has <base> {items} . {person2} has <times> times as many {items} as {person} . "
        "how many {items} do they have [altogether|in all|together] ?",
        "there are <times> times as many {items} as {items2} in a store . if there are <base> {items2} , "
        "how many {items} and {items2} are there altogether ?",
        whole=True,
    ),
    _general(
        "more_than",
        "base + (base + more)",
        {"base": range(10, 300), "more": range(3, 90)},
        "#",
        "{person} [collected|has] <base> {items} . {person2} [collected|has] <more> more than {person} . "
        "how many do they have [altogether|in all|together] ?",
        "a class sold <base> {items} on the first day and <more> more on the second day than on the first . "
        "how many {items} were sold [altogether|in the two days] ?",
        whole=True,
    ),
    _general(
        "share_equally",
        "total / people",
        {"total": range(40, 2000), "people": range(3, 25)},
        "#",
        "<total> {items} are shared equally among <people> [friends|children] . how many {items} does each get ?",
        "{person} [divides|shares] <total> {items} equally among <people> children . how many does each child [get|receive] ?",
        whole=True,
    ),
    _general(
        "share_rest",
        "(total - kept) / people",
        {"total": range(40, 900), "kept": range(4, 90), "people": range(3, 20)},
        "#",
        "{person} has <total> {items} . {he} keeps <kept> and [shares|divides] the rest equally among <people> friends . "
        "how many {items} does each friend get ?",
        "of <total> {items} , <kept> are broken . the remaining {items} are packed equally in <people> boxes . "
        "how many {items} are in each box ?",
        whole=True,
    ),
    _general(
        "boxes_less_given",
        "boxes * each - given",
        {"boxes": range(3, 40), "each": range(4, 60), "given": range(5, 90)},
        "#",
        "{person} has <boxes> boxes of <each> {items} each . {he} gives away <given> {items} . how many {items} are left ?",
        "there are <boxes> rows of <each> chairs in a hall . <given> chairs are [broken|taken away] . how many chairs remain ?",
        "each box holds <each> {items} . {the_seller} has <boxes> boxes and sells <given> {items} . "
        "how many {items} are remaining ?",
        whole=True,
    ),
    _general(
        "boxes_shared",
        "boxes * each / people",
        {"boxes": range(3, 40), "each": range(4, 60), "people": range(3, 20)},
        "#",
        "<boxes> boxes with <each> {items} each are shared equally among <people> [children|friends] . "
        "how many {items} does each get ?",
        "{person} buys <boxes> packs of {items} . there are <each> {items} in a pack . "
        "{he} divides all of them equally among <people> "
        "[friends|people] . how many does each [get|receive] ?",
        whole=True,
    ),
    _general(
        "boxes_needed",
        "(count + other) / each",
        {"count": range(20, 400), "other": range(20, 400), "each": range(4, 30)},
        "#",
        "{person} puts <count> {items} and <other> {items2} into boxes . each box holds <each> things . "
        "how many boxes are needed ?",
        "<count> boys and <other> girls go on a trip in vans . "
        "if each van [holds|carries] <each> children , how many vans are needed ?",
        whole=True,
    ),
    _general(
        "average_of_three",
        "(first + second + third) / 3",
        {"first": range(10, 200), "second": range(10, 200), "third": range(10, 200)},
        "#",
        "{person} scored <first> , <second> and <third> marks in three tests . what is the average [score|of {his} marks] ?",
        "find the average of <first> , <second> and <third> .",
        "in three {periods} {person} sold <first> , <second> and <third> {items} . what is the average number sold per {period} ?",
    ),
    _general(
        "average_of_four",
        "(first + second + third + fourth) / 4",
        {
            "first": range(10, 200),
            "second": range(10, 200),
            "third": range(10, 200),
            "fourth": range(10, 200),
        },
        "#",
        "what is the average of the four numbers <first> , <second> , <third> and <fourth> ?",
        "four [boys|friends|parcels] weigh <first> , <second> , <third> and <fourth> kg . find their average weight .",
    ),
    _general(
        "total_from_average",
        "average * count",
        {"average": range(8, 150), "count": range(5, 60)},
        "#",
        "the average of <count> numbers is <average> . what is [the sum of the numbers|their sum] ?",
        "the average [age|weight] of the <count> {members} of {group} is <average> . find the [sum|total] .",
    ),
    _general(
        "average_without_one",
        "(average * count - removed) / (count - 1)",
        {"average": range(20, 90), "count": range(5, 40), "removed": range(8, 140)},
        "#",
        "the average of <count> numbers is <average> . "
        "if the number <removed> is [removed|taken away] , what is the average of the rest ?",
        "<count> {members} have an average weight of <average> kg . one of them , who weighs <removed> kg , leaves . "
        "find the average weight of the remaining {members} .",
    ),
    _general(
        "average_with_one",
        "(average * count + added) / (count + 1)",
        {"average": range(20, 90), "count": range(5, 40), "added": range(8, 140)},
        "#",
        "the average of <count> numbers is <average> . one more number , <added> , is [added|included] . what is the new average ?",
        "the average age of <count> {members} is <average> years . a new one of <added> years joins . find the new average age .",
    ),
    _general(
        "percent_of",
        "whole * percent / 100",
        {"percent": range(4, 97), "whole": range(50, 1200, 5)},
        "#",
        "what is <percent> % of <whole> ?",
        "[find|calculate] <percent> percent of <whole> .",
        "{group} has <whole> {members} . if <percent> % of them are girls , how many girls are there ?",
        "<percent> % of the <whole> {items} in a shop are [sold|red] . how many {items} is that ?",
        whole=True,
    ),
    _general(
        "what_percent",
        "part / whole * 100",
        {"part": range(5, 400), "whole": range(50, 900, 10)},
        "# %",
        "<part> is what percent of <whole> ?",
        "what percent of <whole> is <part> ?",
        "out of <whole> {members} in {group} , <part> are [absent|boys] . what percent of the {members} is that ?",
        highest=100,
    ),
    _general(
        "percent_remaining",
        "total * (100 - percent) / 100",
        {"total": range(60, 2500, 10), "percent": range(5, 96)},
        "#",
        "{person} had <total> {items} . {he} [sold|gave away] <percent> % of them . how many {items} are [left|remaining] ?",
        "<percent> percent of the <total> {members} of {group} are boys . how many girls are there ?",
        "{the_seller} has <total> {items} and <percent> % are [broken|bad] . how many good {items} are there ?",
        whole=True,
    ),
    _general(
        "whole_from_percent",
        "part * 100 / percent",
        {"part": range(6, 400), "percent": range(4, 96)},
        "#",
        "<percent> % of a number is <part> . [what is|find] the number ?",
        "<part> {members} of {group} are girls . they are <percent> percent of all the {members} . "
        "how many {members} are there in all ?",
        whole=True,
    ),
    _general(
        "percent_then_percent",
        "whole * percent / 100 * inner / 100",
        {"whole": range(200, 5000, 50), "percent": range(10, 91, 5), "inner": range(10, 91, 5)},
        "#",
        "what is <inner> % of <percent> % of <whole> ?",
        "{group} has <whole> {members} . <percent> % of them are women , and <inner> % of the women are married . "
        "how many married women are there ?",
        whole=True,
    ),
    _general(
        "monthly_savings",
        "(income - expense) * months",
        {"income": range(900, 6000, 50), "expense": range(300, 4000, 50), "months": range(3, 25)},
        "{$} #",
        "{person} earns {$} <income> [a|per|every] month and spends {$} <expense> . how much does {he} save in <months> months ?",
        "the monthly income of {person} is {$} <income> and {his} monthly expense is {$} <expense> . "
        "find {his} [total savings|savings] in <months> months .",
    ),
    _general(
        "saving_time",
        "(price - saved) / weekly",
        {"price": range(100, 1200, 10), "saved": range(10, 200, 5), "weekly": range(4, 60)},
        "#",
        "{person} wants a {good} that costs {$} <price> . {he} has {$} <saved> and saves {$} <weekly> [a|each|every] week . "
        "[in how many weeks|after how many weeks] can {he} buy it ?",
        "{person} saves {$} <weekly> a {period} . {he} already has {$} <saved> . "
        "how many {periods} does {he} need to buy a {good} of {$} <price> ?",
        whole=True,
    ),
    _general(
        "wage_and_bonus",
        "hours * rate + bonus",
        {"hours": range(4, 60), "rate": range(5, 60), "bonus": range(10, 400, 5)},
        "{$} #",
        "{person} works <hours> hours at {$} <rate> [per|an] hour and gets a bonus of {$} <bonus> . "
        "how much does {he} earn [in all|] ?",
        "a worker earns {$} <rate> per hour . what is the total pay for <hours> hours with a bonus of {$} <bonus> ?",
        "the fare of a taxi is {$} <bonus> plus {$} <rate> per km . find the total fare for <hours> km .",
    ),
    _general(
        "number_puzzle_added",
        "(result - added) / times",
        {"result": range(30, 400), "added": range(3, 60), "times": range(2, 15)},
        "#",
        "if <added> is added to <times> times a number , the result is <result> . [find|what is] the number ?",
        "<times> times a number plus <added> equals <result> . what is the number ?",
        whole=True,
    ),
    _general(
        "number_puzzle_taken",
        "(result + taken) / times",
        {"result": range(10, 400), "taken": range(3, 60), "times": range(2, 15)},
        "#",
        "if <taken> is subtracted from <times> times a number , the result is <result> . [find|what is] the number ?",
        "<times> times a number minus <taken> is equal to <result> . what is the number ?",
        whole=True,
    ),
    _general(
        "pass_mark",
        "(marks + short) * 100 / percent",
        {"marks": range(60, 300), "short": range(5, 80), "percent": range(30, 61)},
        "#",
        "a student must get <percent> % of the marks to pass . {he} gets <marks> marks and fails by <short> marks . "
        "find the maximum marks .",
        "{person} scored <marks> marks and was short of the pass mark by <short> . if the pass mark is <percent> percent , "
        "what are the total marks ?",
        whole=True,
    ),
    _general(
        "fuel_cost",
        "distance / mileage * price",
        {"distance": range(60, 900, 10), "mileage": range(8, 30), "price": decimals(1.5, 9.5, 0.5)},
        "{$} #",
        "a {vehicle} runs <mileage> {km} on a liter of petrol . petrol costs {$} <price> per liter . "
        "what is the cost of a trip of <distance> {km} ?",
        "how much does {person} pay for the petrol of a trip of <distance> {km} , if {his} car goes <mileage> {km} per liter "
        "and a liter costs {$} <price> ?",
    ),
    _general(
        "per_person_bill",
        "(bill + tip) / people",
        {"bill": range(40, 600, 2), "tip": range(4, 80, 2), "people": range(3, 16)},
        "{$} #",
        "<people> friends share a bill of {$} <bill> and a tip of {$} <tip> equally . how much does each [friend|of them] pay ?",
        "the rent of a house is {$} <bill> and the repairs cost {$} <tip> . <people> people divide the [sum|total] equally . "
        "what does each [person|] pay ?",
    ),
)
