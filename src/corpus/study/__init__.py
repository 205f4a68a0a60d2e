"""The laboratory: which order of the training data should be used, and which mixture of sources?

A study trains the same model in several orders, or on several mixtures, with several seeds, and
says what can be concluded. `design` is what every kind of study asks, `work` trains the runs,
`analyse` compares them, and `page` writes the report. `orders` are the answers that compete in a
study of orders. A study of mixtures is in `mixtures` (what is asked), `shares` (what is drawn),
`law` and `predict` (the best mixture), and the files named `mixture_…`. `kinds` lists the two.
"""
