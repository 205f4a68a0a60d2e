"""Problems: one record for every set, how a problem becomes a prompt, and which trained problems are near it.

Start with `problem`, then `numbers` and `render`; `registry` lists the sets.
"""
