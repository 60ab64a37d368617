"""A name of nothing: the management API would answer for the whole list, or act on it."""

from __future__ import annotations

import pytest

from mqadmin.rabbit.errors import NotFound
from mqadmin.rabbit.management_api.calling import require_path


@pytest.mark.any_database
@pytest.mark.parametrize("names", [("",), ("shop", ""), ("", "orders")])
def test_a_name_of_nothing_is_of_nothing(names: tuple[str, ...]) -> None:
    with pytest.raises(NotFound):
        require_path(*names)
