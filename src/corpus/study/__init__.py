"""The laboratory: does the order of the training data matter, and which order should be used?

A study trains the same model on the same sequences in several orders, with several seeds, and says
what can be concluded. `design` is what is asked, `orders` are the answers that compete, `work`
trains the runs, `analyse` compares them, and `page` writes the report.
"""
