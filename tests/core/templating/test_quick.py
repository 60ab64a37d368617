"""What is rendered quickly reads as Django renders it: values, names, filters, faults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.template import Context, Engine, Template, engines
from django.test import RequestFactory
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from mqadmin.core.templating.quick import _AFTER, QuickTemplate


@dataclass
class Thing:
    name: str = "<a & b>"
    count: int = 1234567
    share: float = 0.5
    is_on: bool = True
    lacks: None = None

    @property
    def fails(self) -> str:
        raise AttributeError("inner")

    @property
    def is_gone(self) -> str:
        raise ObjectDoesNotExist

    def said(self) -> str:
        return "said & done"

    def asks(self, _what: str) -> str:
        return "never"

    def removes(self) -> str:
        raise AssertionError

    removes.alters_data = True  # type: ignore[attr-defined]

    def __str__(self) -> str:
        return "<thing>"


def values() -> dict[str, Any]:
    return {
        "thing": Thing(),
        "row": {"thing": Thing(), "items": [3, 4], "is": "own", 7: "seven"},
        "text": "<b>'\"&",
        "safe": mark_safe("<b>safe</b>"),
        "lazy": gettext_lazy("Tick %(name)s"),
        "at": datetime(2026, 11, 29, 15, 0, tzinfo=UTC),
        "pairs": [("a", 1), ("b", 2)],
        "nothing": None,
        "kind": Thing,
        "queue_id": 17,
        "view": "queue_detail",
    }


TEXTS = (
    "{{ thing }} {{ thing.name }} {{ thing.count }} {{ thing.share }} {{ thing.is_on }} {{ thing.lacks }}",
    "{{ thing.said }} {{ thing.asks }}|{{ thing.removes }}|{{ thing.missing }}|{{ missing.name }}|{{ missing }}",
    "{{ row.thing.name }} {{ row.items }} {{ row.items.0 }} {{ row.is }} {{ row.keys }} {{ row.pop }}",
    "{{ text }} {{ safe }} {{ lazy }} {{ at }} {{ nothing }} {{ kind.name }} {{ thing.is_gone }}",
    "{{ text|upper }} {{ safe|upper }} {{ text|default:thing.name }} {{ missing|default:'x' }} {{ at|date:'H:i' }}",
    "{{ thing.count|number }} {{ nothing|number }} {{ text|name }} {{ safe|truncatechars:5 }} {{ 'a<b' }} {{ 3 }}",
    "{% autoescape off %}{{ text }} {{ thing.name }} {{ queue_id }} {% pill text %}{% endautoescape %}",
    "{% for name, count in pairs %}{{ forloop.counter }}{{ name }}{{ count }}{% empty %}none{% endfor %}",
    "{% if thing.is_on and not missing.name %}on{% elif nothing %}no{% else %}off{% endif %}",
    "{% if thing.x > 3 %}x{% endif %}",
    "{% load i18n %}{% translate 'Look' as look %}{{ look }} {% translate text %} {{ _('Look') }}",
    "{% load i18n %}{% translate view noop %}",
    "{% load i18n %}{% blocktranslate with name=thing.name %}Tick {{ name }}{% endblocktranslate %}",
    "{% url 'queue_detail' queue_id %} {% url view queue_id as there %}{{ there }}",
    "{% for name, count in pairs %}{% url 'queue_detail' count %}{% url view thing.count %}{% endfor %}",
    "{% url 'queue_detail' pk=queue_id as keyed %}{{ keyed }}{% url 'queue_detail' queue_id|add:1 %}",
    "{% for name, count in pairs %}{% url view count as at %}{{ at }}"
    "{% spaceless %}<a> {{ at }} </a> {% endspaceless %}{% endfor %}",
    "{% listing pairs as pair name=pair.0 %}<tr id='{{ name }}'>"
    "{% column 'a' title=text %}A{% cell 'b' title='c' %}"
    "{{ pair.1 }}{% column %}{% cell none title=thing.name lang='en' %}{% if name == 'a' %}{{ thing }}{% endif %}"
    "{% column view %}B{% cell %} {{ name }} {% endlisting %}",
    "{% url view text as at %}[{{ at }}]{% load i18n %}{% if at %}at{% endif %}",
    "{% url 'nowhere' as none %}[{{ none }}]",
    "{% url 'api:openapi-json' %} {% url 'letter_list' %} {% spaceless %}<a> </a> <b></b>{% endspaceless %}",
    "{% pill text 'red' thing.name %}{% icon 'user' 12 %}{% dot 'red' text as point %}{{ point }}{% ago at %}",
    "{{ text|truncatechars:4 }} {{ safe|default:3 }} {{ row.items|join:'<' }} {{ pairs|length|add:2 }}",
    "{{ row.none|default:7 }}|{{ none|default:text }}",
    "{% if row.none %}a{% elif row.is == 'own' and not none.at %}b{% endif %}",
    "{% if row.none or row.items %}h{% endif %}{% if row.thing.none or row.none.at %}i{% else %}j{% endif %}",
    "{% if row.7 %}k{% endif %}{% if not row.none %}l{% endif %}{% if row.none == nothing %}m{% endif %}",
    "{% if none or row.items.9 %}c{% else %}d{% endif %}",
    "{% if nothing|default:missing %}e{% elif text|default:none.at %}f{% else %}g{% endif %}",
    "{% for name, count in pairs %}{% include 'core/_offers.html' with offers=none %}{{ count }}{% endfor %}",
    "{% with other=thing.name more=row.thing %}{{ other }}{{ more.count }}{% endwith %}{{ other }}",
)


def rendered(template: Template) -> str:
    return template.render(Context({**values(), "request": RequestFactory().get("/")}))


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_as_django(text: str) -> None:
    engine: Engine = engines["django"].engine  # type: ignore[attr-defined]
    quick, plain = QuickTemplate(text, engine=engine), rendered(Template(text, engine=engine))
    for _time in range(_AFTER + 2):  # node by node, then as a function
        assert rendered(quick) == plain
    assert quick.nodelist._body is not None


def test_a_fault_of_the_code_is_no_empty_place() -> None:
    engine: Engine = engines["django"].engine  # type: ignore[attr-defined]
    for text in ("{{ thing.fails }}", "{% url 'nowhere' %}", "{% url 'queue_detail' text %}"):
        with pytest.raises(Exception) as plain:
            rendered(Template(text, engine=engine))
        with pytest.raises(type(plain.value), match=r"inner|Reverse"):
            rendered(QuickTemplate(text, engine=engine))


def test_pages_are_rendered_by_it() -> None:
    assert isinstance(engines["django"].get_template("base.html").template, QuickTemplate)  # type: ignore[attr-defined]
