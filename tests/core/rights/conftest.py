"""The world of the access matrix."""

from tests.core.test_access_matrix import world  # noqa: F401
