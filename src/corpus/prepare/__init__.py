"""From raw documents to token shards by source, and from problem files to a run's problem sets.

Start with `prepare`, the stage as a whole. `discover` finds the data, `problem_sets` writes the
problems, `text` writes tokenizer and shards in four steps: `collect`, `split`, `tokenize` (sample
and shards). `sources` has what text is read from.
"""
