"""Templates of the category gain: profit and loss, discounts, interest, shares of a business."""

from corpus.problems.generated.template import decimals, of_category

_gain = of_category("gain")

TEMPLATES = (
    _gain(
        "profit",
        "sold - cost",
        {"cost": range(40, 900), "sold": range(60, 1400)},
        "{$} #",
        "{seller} buys a {good} for {$} <cost> and sells it for {$} <sold> . what is the [profit|gain] ?",
        "a {good} is sold at {$} <sold> . if its cost price is {$} <cost> , find the profit .",
    ),
    _gain(
        "profit_percent",
        "(sold - cost) / cost * 100",
        {"cost": range(50, 900, 10), "sold": range(60, 1500, 5)},
        "# %",
        "{seller} buys a {good} for {$} <cost> and sells it for {$} <sold> . [find the gain percent|what is the profit percent] ?",
        "the selling price of a {good} is {$} <sold> and its cost price is {$} <cost> . what is the percent of [profit|gain] ?",
        highest=150,
    ),
    _gain(
        "loss_percent",
        "(cost - sold) / cost * 100",
        {"cost": range(50, 900, 10), "sold": range(40, 800, 5)},
        "# %",
        "{person} bought a {good} for {$} <cost> and sold it at a loss for {$} <sold> . "
        "[find the loss percent|what is the percent of loss] ?",
        "a {good} that cost {$} <cost> was sold for only {$} <sold> . what percent did the owner lose ?",
        highest=95,
    ),
    _gain(
        "discount_price",
        "price * (100 - percent) / 100",
        {"price": range(20, 900, 5), "percent": range(4, 61)},
        "{$} #",
        "the [marked|list] price of a {good} is {$} <price> . {the_seller} gives a discount of <percent> % . "
        "[what is the selling price|what does the customer pay] ?",
        "find the sale price of a {good} if a discount of <percent> percent is given on its price of {$} <price> .",
        "{person} sold a {good} that cost {$} <price> at a loss of <percent> % . what was the selling price ?",
    ),
    _gain(
        "markup_price",
        "cost * (100 + percent) / 100",
        {"cost": range(20, 900, 5), "percent": range(4, 81)},
        "{$} #",
        "a {good} costs {seller} {$} <cost> . at what price must it be sold to [gain|make a profit of] <percent> % ?",
        "{seller} buys a {good} at {$} <cost> and sells it at a [profit|gain] of <percent> percent . find the selling price .",
        "the price of a {good} was {$} <cost> . it [is increased|goes up] by <percent> % . what is the new price ?",
    ),
    _gain(
        "discount_amount",
        "price * percent / 100",
        {"price": range(40, 1500, 10), "percent": range(4, 61)},
        "{$} #",
        "a {good} of {$} <price> is sold with a discount of <percent> % . how much money [does the buyer save|is the discount] ?",
        "{person} sells goods worth {$} <price> and gets a commission of <percent> percent . find the commission .",
    ),
    _gain(
        "cost_from_gain",
        "sold * 100 / (100 + percent)",
        {"sold": range(50, 1500, 5), "percent": range(4, 76)},
        "{$} #",
        "by selling a {good} for {$} <sold> , {seller} gains <percent> % . [what was|find] the cost price [of the {good}|] ?",
        "{person} made a profit of <percent> percent when {he} sold a {good} at {$} <sold> . what did the {good} cost {person} ?",
        "after an increase of <percent> % , the price of a {good} is {$} <sold> . what was the price before the increase ?",
    ),
    _gain(
        "cost_from_loss",
        "sold * 100 / (100 - percent)",
        {"sold": range(50, 1500, 5), "percent": range(4, 61)},
        "{$} #",
        "by selling a {good} for {$} <sold> , {seller} loses <percent> % . [what was|find] the cost price ?",
        "after a discount of <percent> percent , a {good} is sold at {$} <sold> . what is the [marked|list|original] price ?",
    ),
    _gain(
        "simple_interest",
        "principal * rate * years / 100",
        {"principal": range(200, 9000, 50), "rate": range(2, 16), "years": range(2, 12)},
        "{$} #",
        "find the simple interest on {$} <principal> at <rate> % per annum for <years> years .",
        "{person} lends {$} <principal> for <years> years at <rate> % simple interest per year . how much interest does {he} get ?",
        "what is the simple interest for <years> years at <rate> percent on a sum of {$} <principal> ?",
    ),
    _gain(
        "simple_amount",
        "principal + principal * rate * years / 100",
        {"principal": range(200, 9000, 50), "rate": range(2, 16), "years": range(2, 12)},
        "{$} #",
        "{person} [borrows|invests] {$} <principal> at <rate> % per annum simple interest . "
        "what is the amount after <years> years ?",
        "to what amount will {$} <principal> grow in <years> years at <rate> percent simple interest ?",
    ),
    _gain(
        "principal_from_interest",
        "interest * 100 / (rate * years)",
        {"interest": range(60, 1800, 10), "rate": range(2, 16), "years": range(2, 11)},
        "{$} #",
        "the simple interest on a sum for <years> years at <rate> % per annum is {$} <interest> . find the sum .",
        "what principal gives {$} <interest> as simple interest in <years> years at <rate> percent per year ?",
    ),
    _gain(
        "rate_from_interest",
        "interest * 100 / (principal * years)",
        {"interest": range(60, 1800, 10), "principal": range(300, 6000, 50), "years": range(2, 11)},
        "# %",
        "at what rate percent per annum will {$} <principal> give {$} <interest> as simple interest in <years> years ?",
        "{person} gets {$} <interest> as simple interest on {$} <principal> after <years> years . what is the rate of interest ?",
        highest=30,
    ),
    _gain(
        "compound_amount",
        "principal * (100 + rate) / 100 * (100 + rate) / 100",
        {"principal": range(1000, 20000, 500), "rate": range(2, 21), "age": range(20, 70)},
        "{$} #",
        "{person} invests {$} <principal> at <rate> % compound interest . find the amount after two years .",
        "{person} , aged <age> , puts {$} <principal> in a bank at <rate> percent compound interest . "
        "what is the amount after two years ?",
        "the rent of a shop is {$} <principal> . it increases by <rate> % every year . what is the rent after two years ?",
    ),
    _gain(
        "two_discounts",
        "price * (100 - first) / 100 * (100 - second) / 100",
        {"price": range(100, 3000, 50), "first": range(5, 41, 5), "second": range(5, 41, 5)},
        "{$} #",
        "two successive discounts of <first> % and <second> % are given on a {good} of {$} <price> . find the selling price .",
        "the price of a {good} is {$} <price> . it is reduced by <first> percent and then by <second> percent . "
        "what is the final price ?",
        "{person} has {$} <price> . {he} spends <first> % on food and <second> % of the remaining money on rent . "
        "how much is left ?",
    ),
    _gain(
        "rise_and_fall",
        "price * (100 + rise) / 100 * (100 - fall) / 100",
        {"price": range(100, 3000, 50), "rise": range(5, 51, 5), "fall": range(5, 41, 5)},
        "{$} #",
        "the price of a {good} is {$} <price> . it is increased by <rise> % and then reduced by <fall> % . "
        "what is the final price ?",
        "{seller} marks a {good} that cost {$} <price> at <rise> percent above the cost price and gives a discount of <fall> "
        "percent . "
        "find the selling price .",
    ),
    _gain(
        "profit_on_many",
        "(sold - cost) * count",
        {"cost": range(5, 90), "sold": range(8, 140), "count": range(5, 90)},
        "{$} #",
        "{seller} buys {items} at {$} <cost> each and sells them at {$} <sold> each . what is the profit on <count> {items} ?",
        "{seller} buys <count> {items} for {$} <cost> each and sells each {item} for {$} <sold> . find the total profit .",
    ),
    _gain(
        "sales_less_outlay",
        "count * price - outlay",
        {"count": range(8, 90), "price": range(4, 60), "outlay": range(40, 1500, 5)},
        "{$} #",
        "{seller} buys <count> {items} for {$} <outlay> in all and sells them at {$} <price> each . what is the [profit|gain] ?",
        "a farmer pays {$} <outlay> for seeds and sells <count> kg of {food} at {$} <price> per kg . how much is the profit ?",
    ),
    _gain(
        "bill_with_tax",
        "bill + bill * percent / 100",
        {"bill": range(20, 800, 4), "percent": range(4, 31)},
        "{$} #",
        "the bill at a restaurant is {$} <bill> . {person} adds a tip of <percent> % . "
        "[what is the total|how much does {he} pay in all] ?",
        "a tax of <percent> percent is added to the price of {$} <bill> for a {good} . what is the total cost [of the {good}|] ?",
    ),
    _gain(
        "salary_and_commission",
        "salary + sales * percent / 100",
        {"salary": range(300, 3000, 50), "sales": range(1000, 9000, 100), "percent": range(2, 16)},
        "{$} #",
        "{person} earns a salary of {$} <salary> and a commission of <percent> % on sales . if the sales are {$} <sales> , "
        "what are {his} total earnings ?",
        "a salesman gets {$} <salary> a month plus <percent> percent of {his} sales . how much does {he} earn in a month "
        "with sales of {$} <sales> ?",
    ),
    _gain(
        "profit_share",
        "profit * own / (own + other)",
        {
            "profit": range(300, 6000, 30),
            "own": range(500, 9000, 500),
            "other": range(500, 9000, 500),
        },
        "{$} #",
        "{person} and {person2} start a business with {$} <own> and {$} <other> . "
        "[what is|find] the share of {person} in a profit of {$} <profit> ?",
        "{person} invests {$} <own> and {person2} invests {$} <other> in a business . the profit is {$} <profit> . "
        "how much of it does {person} [get|receive] ?",
    ),
    _gain(
        "percent_increase",
        "(new - old) / old * 100",
        {"old": range(40, 1200, 10), "new": range(50, 2000, 10)},
        "# %",
        "the salary of {person} rises from {$} <old> to {$} <new> . what is the percent increase ?",
        "the number of {members} of {group} increased from <old> to <new> . by what percent did it increase ?",
        highest=150,
    ),
    _gain(
        "gain_on_many",
        "count * cost * (100 + percent) / 100",
        {"count": range(4, 60), "cost": range(5, 90), "percent": range(5, 61, 5)},
        "{$} #",
        "{seller} buys <count> {items} at {$} <cost> each . for how much must {he} sell all of them to gain <percent> % ?",
        "<count> {items} cost {$} <cost> each and are sold at a profit of <percent> percent . "
        "what is the total [selling price|amount received] ?",
    ),
    _gain(
        "budget_left",
        "income - income * percent / 100 - rent",
        {"income": range(1000, 9000, 100), "percent": range(5, 51), "rent": range(100, 900, 20)},
        "{$} #",
        "the monthly income of {person} is {$} <income> . {he} pays <percent> % as tax and {$} <rent> as rent . "
        "how much money is left ?",
        "{person} wins {$} <income> . {he} gives <percent> percent of it to a school and {$} <rent> to a friend . "
        "how much does {he} keep ?",
    ),
    _gain(
        "cheaper_each",
        "price * percent / 100 * count",
        {"price": range(10, 200, 2), "percent": range(5, 51, 5), "count": range(3, 40)},
        "{$} #",
        "a shop gives a discount of <percent> % on {items} of {$} <price> each . how much does {person} save on <count> {items} ?",
        "the profit on a {item} of {$} <price> is <percent> percent of its price . what is the total profit on <count> {items} ?",
    ),
    _gain(
        "exchange",
        "(money - fee) * rate",
        {"money": range(50, 2000, 10), "fee": range(2, 40), "rate": decimals(1.5, 9.5, 0.5)},
        "#",
        "{person} changes {$} <money> into coins of another country . "
        "the bank keeps a fee of {$} <fee> and gives <rate> coins for each "
        "of the rest . how many coins does {person} get ?",
        "one unit of money is worth <rate> coins . {person} pays a fee of {$} <fee> and changes the rest of {his} {$} <money> . "
        "how many coins does {he} receive ?",
    ),
)
