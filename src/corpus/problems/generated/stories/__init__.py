"""Stories: openings and events that combine into templates, so that a model sees each idea in many company.

`story` says how they combine; one file a category holds them as data.
"""
