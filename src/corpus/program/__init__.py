"""Programs over the quantities of a problem, and the domains that they work on.

Start with `language` (programs as text and symbols) and `domain` (the interface of a domain); the
folders `arithmetic` and `expressions` are the domains there are.
"""
