"""The report of a run: one self-contained HTML page, and the same in Markdown.

Start with `report.report`. `read` loads a run folder into typed records; `about`, `results` and `training` turn them into sections
of `blocks`, which know nothing of HTML; `html` (with the drawings of `charts`) and `markdown` render the same sections.
"""
