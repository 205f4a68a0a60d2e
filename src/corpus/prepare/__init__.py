"""Raw documents to token shards by source, with a tokenizer trained on the way.

Start with `prepare`: the stage as a whole. `find` turns a setting into inputs, `discover` looks at a folder and says what it holds,
`sources` has one file for each place that text comes from, and the rest is one step each: `collect` (caps, duplicates), `split`
(validation), `sample` (for the tokenizer), `tokenize`.
"""
