"""Templates of the category physics: speed, trains, boats, work, pipes."""

from corpus.problems.generated.template import decimals, of_category

_physics = of_category("physics")

TEMPLATES = (
    _physics(
        "speed",
        "distance / hours",
        {"distance": range(40, 1200, 5), "hours": range(2, 16)},
        "# {kmph}",
        "a {vehicle} [covers|travels] <distance> {km} in <hours> hours . what is its speed ?",
        "in <hours> hours a {vehicle} goes <distance> {km} . find its [average|] speed .",
    ),
    _physics(
        "distance",
        "speed * hours",
        {"speed": range(12, 120), "hours": decimals(1.5, 12, 0.5)},
        "# {km}",
        "a {vehicle} [runs|travels] at <speed> {kmph} . how far does it go in <hours> hours ?",
        "find the distance that a {vehicle} covers in <hours> hours at a speed of <speed> {kmph} .",
    ),
    _physics(
        "time_taken",
        "distance / speed",
        {"distance": range(60, 1200, 10), "speed": range(12, 120, 2)},
        "# hours",
        "how [long|many hours] does a {vehicle} take to cover <distance> {km} at <speed> {kmph} ?",
        "the speed of a {vehicle} is <speed> {kmph} . in what time does it travel <distance> {km} ?",
    ),
    _physics(
        "two_legs_distance",
        "speed * hours + other_speed * other_hours",
        {
            "speed": range(20, 100),
            "hours": range(2, 10),
            "other_speed": range(20, 100),
            "other_hours": range(2, 10),
        },
        "# {km}",
        "{person} drives for <hours> hours at <speed> {kmph} and for <other_hours> hours at <other_speed> {kmph} . "
        "what is the total distance ?",
        "a {vehicle} runs at <speed> {kmph} for <hours> hours and then at <other_speed> {kmph} for <other_hours> hours . "
        "how far does it go [in all|altogether] ?",
    ),
    _physics(
        "two_legs_time",
        "distance / speed + other_distance / other_speed",
        {
            "distance": range(40, 400, 10),
            "speed": range(20, 90, 5),
            "other_distance": range(40, 400, 10),
            "other_speed": range(20, 90, 5),
        },
        "# hours",
        "a {vehicle} covers <distance> {km} at <speed> {kmph} and <other_distance> {km} at <other_speed> {kmph} . "
        "what is the total time ?",
        "{person} drives <distance> {km} at a speed of <speed> {kmph} and then <other_distance> {km} at a speed of "
        "<other_speed> {kmph} . "
        "how many hours does {he} take in all ?",
    ),
    _physics(
        "average_speed",
        "(distance + other_distance) / (hours + other_hours)",
        {
            "distance": range(40, 600, 5),
            "hours": range(2, 9),
            "other_distance": range(40, 600, 5),
            "other_hours": range(2, 9),
        },
        "# {kmph}",
        "a {vehicle} covers <distance> {km} in <hours> hours and <other_distance> {km} in <other_hours> hours . "
        "what is its average speed [for the whole trip|] ?",
        "{person} travels <distance> {km} in the first <hours> hours and <other_distance> {km} in the next <other_hours> hours . "
        "find the average speed .",
    ),
    _physics(
        "round_trip_average",
        "2 * going * coming / (going + coming)",
        {"going": range(10, 90, 2), "coming": range(10, 90, 2)},
        "# {kmph}",
        "{person} goes to the market at <going> {kmph} and comes back at <coming> {kmph} . what is {his} average speed ?",
        "a {vehicle} goes from one town to another at a speed of <going> {kmph} and returns at <coming> {kmph} . "
        "find the average speed .",
    ),
    _physics(
        "meeting_time",
        "distance / (speed + other_speed)",
        {"distance": range(60, 1500, 10), "speed": range(15, 90), "other_speed": range(15, 90)},
        "# hours",
        "two {vehicle}s start <distance> {km} apart and move towards each other at <speed> {kmph} and <other_speed> {kmph} . "
        "after how many hours do they meet ?",
        "{person} and {person2} live <distance> {km} apart . "
        "they drive towards each other at speeds of <speed> and <other_speed> {kmph} . "
        "when do they meet ?",
    ),
    _physics(
        "catch_up_time",
        "gap / (speed - other_speed)",
        {"gap": range(10, 300, 5), "speed": range(30, 120, 2), "other_speed": range(15, 100, 2)},
        "# hours",
        "a thief is <gap> {km} ahead of a policeman . "
        "the policeman drives at <speed> {kmph} and the thief at <other_speed> {kmph} . "
        "after how many hours is the thief caught ?",
        "a {vehicle} at <speed> {kmph} follows a truck that is <gap> {km} ahead and runs at <other_speed> {kmph} . "
        "in how many hours does it catch the truck ?",
    ),
    _physics(
        "apart_after",
        "(speed + other_speed) * hours",
        {"speed": range(10, 90), "other_speed": range(10, 90), "hours": range(2, 12)},
        "# {km}",
        "two {vehicle}s start from one place in opposite directions at <speed> {kmph} and <other_speed> {kmph} . "
        "how far apart are they after <hours> hours ?",
        "{person} and {person2} walk away from each other at <speed> and <other_speed> {kmph} . "
        "what is the distance between them in <hours> hours ?",
    ),
    _physics(
        "lead_after",
        "(speed - other_speed) * hours",
        {"speed": range(20, 120), "other_speed": range(10, 90), "hours": range(2, 12)},
        "# {km}",
        "two {vehicle}s start together in the same direction at <speed> {kmph} and <other_speed> {kmph} . "
        "how far apart are they after <hours> hours ?",
        "{person} rides at <speed> {kmph} and {person2} at <other_speed> {kmph} on the same road . "
        "by how many {km} is {person} ahead "
        "after <hours> hours ?",
    ),
    _physics(
        "train_passes_pole",
        "length / (speed * 1000 / 3600)",
        {"length": range(80, 600, 10), "speed": range(18, 145, 9)},
        "# seconds",
        "a train <length> m long runs at <speed> km / hr . in how many seconds does it pass a [pole|man standing on the road] ?",
        "how many seconds does a train of length <length> meters take to cross a pole at a speed of <speed> kmph ?",
    ),
    _physics(
        "train_passes_platform",
        "(length + platform) / (speed * 1000 / 3600)",
        {"length": range(80, 600, 10), "platform": range(90, 700, 10), "speed": range(18, 145, 9)},
        "# seconds",
        "a train <length> m long runs at <speed> km / hr . in how many seconds does it cross a [platform|bridge] of <platform> m ?",
        "how long does a train of length <length> meters take to cross a bridge of length <platform> meters at a speed of "
        "<speed> kmph ?",
    ),
    _physics(
        "train_length",
        "speed * 1000 / 3600 * seconds",
        {"speed": range(18, 145, 9), "seconds": range(4, 40)},
        "# m",
        "a train running at <speed> km / hr crosses a pole in <seconds> seconds . what is the length of the train in meters ?",
        "in <seconds> seconds a train passes a man at a speed of <speed> kmph . how many meters long is the train ?",
    ),
    _physics(
        "platform_length",
        "speed * seconds - length",
        {"speed": range(8, 45), "seconds": range(12, 60), "length": range(80, 500, 10)},
        "# m",
        "a train <length> m long runs at <speed> meters per second and crosses a [platform|bridge] in <seconds> seconds . "
        "find the length of the [platform|bridge] .",
        "at a speed of <speed> m / s a train of <length> meters needs <seconds> seconds to cross a bridge . "
        "how long is the bridge ?",
    ),
    _physics(
        "minutes_distance",
        "speed * minutes / 60",
        {"speed": range(12, 120, 2), "minutes": range(5, 90, 5)},
        "# {km}",
        "a {vehicle} runs at <speed> {kmph} . how far does it go in <minutes> minutes ?",
        "what distance does {person} cover in <minutes> minutes at <speed> {kmph} ?",
    ),
    _physics(
        "work_together",
        "one * other / (one + other)",
        {"one": range(4, 60), "other": range(4, 60)},
        "# days",
        "{person} can do a {job} in <one> days and {person2} can do it in <other> days . "
        "in how many days can they do it together ?",
        "{person} alone finishes a {job} in <one> days , {person2} alone in <other> days . "
        "working together , how many days do they need ?",
    ),
    _physics(
        "tank_with_leak",
        "fill * empty / (empty - fill)",
        {"fill": range(3, 40), "empty": range(5, 80)},
        "# hours",
        "a pipe can fill a {tank} in <fill> hours and a leak can empty it in <empty> hours . "
        "with both open , in how many hours is it filled ?",
        "a leak empties a full {tank} in <empty> hours . a tap fills the empty {tank} in <fill> hours . "
        "if both work together , how many hours does it take to fill the {tank} ?",
    ),
    _physics(
        "men_and_days",
        "men * days / other_men",
        {"men": range(4, 60), "days": range(4, 60), "other_men": range(4, 60)},
        "# days",
        "<men> men can do a {job} in <days> days . in how many days can <other_men> men do it ?",
        "how many days do <other_men> workers need for a {job} that <men> workers finish in <days> days ?",
    ),
    _physics(
        "fill_time",
        "capacity / (inflow - outflow)",
        {"capacity": range(100, 3000, 20), "inflow": range(12, 90), "outflow": range(3, 60)},
        "# minutes",
        "a pipe brings <inflow> liters of {liquid} a minute into a {tank} and a leak loses <outflow> liters a minute . "
        "in how many minutes is the {tank} of <capacity> liters filled ?",
        "an empty {tank} holds <capacity> liters . <inflow> liters flow in and <outflow> liters flow out every minute . "
        "how long does it take to fill the {tank} ?",
    ),
    _physics(
        "downstream_distance",
        "(boat + stream) * hours",
        {"boat": range(8, 50), "stream": range(2, 8), "hours": range(2, 12)},
        "# {km}",
        "the speed of a boat in still water is <boat> {kmph} and the speed of the stream is <stream> {kmph} . "
        "how far does it go downstream in <hours> hours ?",
        "a boat that makes <boat> {kmph} in still water goes downstream for <hours> hours . "
        "the current runs at <stream> {kmph} . "
        "find the distance .",
    ),
    _physics(
        "upstream_time",
        "distance / (boat - stream)",
        {"distance": range(20, 300, 2), "boat": range(10, 50), "stream": range(2, 9)},
        "# hours",
        "the speed of a boat in still water is <boat> {kmph} and the speed of the stream is <stream> {kmph} . "
        "how long does it take to go <distance> {km} upstream ?",
        "in what time does a boat go <distance> {km} upstream , if the current is <stream> {kmph} and its speed in still water "
        "is <boat> {kmph} ?",
    ),
    _physics(
        "still_water",
        "(down + up) / 2",
        {"down": range(12, 60), "up": range(4, 40)},
        "# {kmph}",
        "a boat goes downstream at <down> {kmph} and upstream at <up> {kmph} . what is its speed in still water ?",
        "{person} rows upstream at <up> {kmph} and downstream at <down> {kmph} . find {his} speed in still water .",
    ),
    _physics(
        "stream_speed",
        "(down - up) / 2",
        {"down": range(20, 70), "up": range(4, 40)},
        "# {kmph}",
        "a boat goes downstream at <down> {kmph} and upstream at <up> {kmph} . what is the speed of the [stream|current] ?",
        "{person} rows upstream at <up> {kmph} and downstream at <down> {kmph} . find the speed of the [stream|current] .",
    ),
    _physics(
        "machines_output",
        "machines * rate * hours",
        {"machines": range(2, 30), "rate": range(5, 90), "hours": range(2, 24)},
        "#",
        "<machines> machines make <rate> {items} each [per|an] hour . how many {items} do they make in <hours> hours ?",
        "one machine makes <rate> {items} in an hour . how many {items} do <machines> machines make in <hours> hours ?",
    ),
    _physics(
        "walking_rest",
        "distance / speed + rest",
        {"distance": range(20, 400, 5), "speed": range(4, 60), "rest": range(2, 7)},
        "# hours",
        "{person} rides <distance> {km} at <speed> {kmph} and rests for <rest> hours on the way . "
        "how many hours does the whole trip take ?",
        "a {vehicle} travels <distance> {km} at a speed of <speed> {kmph} and stops for <rest> hours . what is the total time ?",
    ),
    _physics(
        "drive_remaining",
        "distance - speed * hours",
        {"distance": range(200, 1200, 10), "speed": range(20, 100), "hours": range(2, 10)},
        "# {km}",
        "{person} has to travel <distance> {km} . {he} drives at <speed> {kmph} for <hours> hours . how many {km} remain ?",
        "a {vehicle} runs for <hours> hours at <speed> {kmph} on a trip of <distance> {km} . what distance is left ?",
    ),
    _physics(
        "faster_needed",
        "distance / (hours - less)",
        {"distance": range(60, 900, 10), "hours": range(5, 16), "less": range(1, 6)},
        "# {kmph}",
        "a {vehicle} takes <hours> hours for <distance> {km} . at what speed would it take <less> hours less ?",
        "{person} covers <distance> {km} in <hours> hours . what speed is needed to arrive <less> hours earlier ?",
    ),
)
