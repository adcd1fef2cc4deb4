"""What costs the same for every page: paid once."""

from tests.app.conftest import _installed_components

__all__ = ["_installed_components"]
