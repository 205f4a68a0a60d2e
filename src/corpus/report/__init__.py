"""The report of a run: one self-contained HTML page, and the same in Markdown.

`read` loads a run folder; `summary`, `scores`, `training`, `cards` and `details` make a `page` of
it, which knows neither HTML nor Markdown; `render` fills the two templates, with `charts`.
"""
