"""The report of a run: one self-contained HTML page, and the same in Markdown.

`read` loads a run folder; `summary`, `training` and `cards` compute what the pages show; `render`
fills the templates, with the drawings of `charts`.
"""
