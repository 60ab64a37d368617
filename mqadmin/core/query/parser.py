"""A query -> its tree, with every value read; or an error that says what, where, and what would do. Pure."""

from __future__ import annotations

from datetime import tzinfo

from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.query import values
from mqadmin.core.query.fields import Vocabulary
from mqadmin.core.query.lexer import Token, quote, tokens
from mqadmin.core.query.syntax import (
    DEEPEST,
    MOST_CHARACTERS,
    MOST_TERMS,
    All,
    BadQuery,
    Condition,
    Either,
    Node,
    Not,
    Words,
)


def parse(query: str, vocabulary: Vocabulary, *, zone: tzinfo | None = None) -> Node:
    """Return the tree of `query`, whose fields are those of `vocabulary`. Raises BadQuery.

    Days and times in it are of `zone`, by default the current one.
    """
    if len(query) > MOST_CHARACTERS:
        text = _("A query has at most %(n)d characters.") % {"n": MOST_CHARACTERS}
        raise BadQuery(text, MOST_CHARACTERS, len(query))
    found = list(tokens(query, vocabulary))
    if sum(token.kind in ("words", "condition") for token in found) > MOST_TERMS:
        raise BadQuery(_("A query has at most %(n)d terms.") % {"n": MOST_TERMS}, 0, len(query))
    return _Parser(found, query, vocabulary, zone or timezone.get_current_timezone()).whole()


class _Parser:
    """Recursive descent over the grammar in `lexer`; as deep as DEEPEST."""

    def __init__(self, found: list[Token], query: str, vocabulary: Vocabulary, zone: tzinfo) -> None:
        self._tokens = found
        self._query = query
        self._vocabulary = vocabulary
        self._zone = zone
        self._at = 0

    def whole(self) -> Node:
        if not self._tokens:
            return All()
        node = self._either(0)
        left = self._peek()
        if left is not None:  # only a closing bracket stops `_either` early
            raise BadQuery(_("No bracket was opened for this one."), left.start, left.end)
        return node

    def _either(self, depth: int) -> Node:
        parts = [self._all(depth)]
        while self._take("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self, depth: int) -> Node:
        parts = [self._one(depth)]
        while True:
            token = self._peek()
            if token is None or token.kind in ("or", ")"):
                break
            if token.kind == "and":
                self._at += 1
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Node:
        is_negated = False
        while self._take("-") or self._take("not"):
            is_negated = not is_negated
        node = self._primary(depth)
        return Not(node) if is_negated else node

    def _primary(self, depth: int) -> Node:
        token = self._peek()
        if token is None:
            raise self._missing()
        self._at += 1
        match token.kind:
            case "(":
                return self._bracket(token, depth + 1)
            case "words":
                return Words(token.text, token.start, token.end, token.is_pattern)
            case "condition":
                return self._condition(token)
            case ")":
                raise BadQuery(
                    _("Something to look for is missing before this bracket."), token.start, token.end
                )
            case _:
                text = _("“%(word)s” stands between two terms. To look for the word, put it in quotes.")
                raise BadQuery(text % {"word": token.text}, token.start, token.end, (quote(token.text),))

    def _bracket(self, opened: Token, depth: int) -> Node:
        if depth > DEEPEST:
            raise BadQuery(_("Brackets are nested too deeply."), opened.start, opened.end)
        node = self._either(depth)
        if not self._take(")"):
            raise BadQuery(_("This bracket is not closed."), opened.start, opened.end)
        return node

    def _missing(self) -> BadQuery:
        before = self._tokens[self._at - 1]
        text = _("Something to look for is missing behind “%(what)s”.")
        return BadQuery(text % {"what": self._query[before.start : before.end]}, before.start, before.end)

    def _condition(self, token: Token) -> Node:
        field = self._vocabulary.find(token.name)
        if field is None:
            raise _unknown(token, self._query, self._vocabulary)
        if field.kind == "table" and not token.path:
            text = _("Say which: %(field)s.NAME%(rest)s")
            rest = self._query[token.start + len(token.name) : token.end]
            raise BadQuery(text % {"field": field.name, "rest": rest}, token.start, token.end)
        if field.kind != "table" and token.path:
            text = _("“%(field)s” has no fields of its own. To look for the text, put it in quotes.")
            whole = self._query[token.start : token.end]
            raise BadQuery(text % {"field": token.name}, token.start, token.end, (quote(whole),))
        value = values.read(field, token, self._zone)
        return Condition(field, token.path, token.operator, value, token.start, token.end)

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, kind: str) -> bool:
        token = self._peek()
        if token is None or token.kind != kind:
            return False
        self._at += 1
        return True


def _unknown(token: Token, query: str, vocabulary: Vocabulary) -> BadQuery:
    whole = query[token.start : token.end]
    rest = whole[len(token.name) :]
    suggestions = [f"{name}{rest}" for name in vocabulary.near(token.name)]
    text = _("There is no field “%(name)s”. To look for the text itself, put it in quotes.")
    return BadQuery(text % {"name": token.name}, token.start, token.end, (*suggestions, quote(whole)))
