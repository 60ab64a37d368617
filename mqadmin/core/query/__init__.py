"""The language of searches: a text is read into a tree, or refused with the place and what would do.

`fields` says what a vocabulary is; `lexer` and `parser` read a text in one into the tree of `syntax`, `values` its
values; `completing` offers what could be typed next. What a tree means is up to who has rows to search.
"""
