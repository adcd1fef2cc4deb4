"""Every family and initialisation that can be chosen has a title of its own."""

import pytest

from resviz.models.spec import FAMILIES, INITS
from resviz.ui.services.network_names import family_title, init_title


@pytest.mark.parametrize(
    ("title_of", "names"), [(family_title, tuple(FAMILIES)), (init_title, INITS)]
)
def test_each_name_has_a_title_of_its_own(title_of, names):
    titles = [title_of(name) for name in names]
    assert len(set(titles)) == len(names)
    assert not set(titles) & set(names)


def test_a_family_without_a_title_keeps_its_name():
    assert family_title("dense") == "dense"
