"""Each test that asks for `rendered` runs once per overlay."""

import pytest

from .rendered import OVERLAYS, Rendered, render


@pytest.fixture(params=OVERLAYS)
def rendered(request: pytest.FixtureRequest) -> Rendered:
    """One overlay, rendered."""
    return render(request.param)


@pytest.fixture(params=("staging", "production"))
def replicated(request: pytest.FixtureRequest) -> Rendered:
    """One of the overlays that stay up while a node is away."""
    return render(request.param)


@pytest.fixture
def production() -> Rendered:
    """What counts."""
    return render("production")
