import shutil

import pytest

from tests.terraform.offline_provider import serving
from tests.terraform.runner import MISSING, Terraform, has_real_provider


def pytest_report_header():
    if shutil.which("terraform") is None:
        return MISSING
    found = (
        "the installed one" if has_real_provider() else "not installed; its schema stands in (make_google_schema.py)"
    )
    return f"google provider: {found}"


@pytest.fixture(scope="session")
def plugins(tmp_path_factory):
    """Environment variables that lead Terraform to the Google provider's schema; none if it is installed."""
    if has_real_provider():
        yield {}
        return
    with serving(tmp_path_factory.mktemp("provider")) as variables:
        yield variables


@pytest.fixture(scope="session")
def terraform(plugins, tmp_path_factory):
    """A copy that no test changes."""
    return Terraform(tmp_path_factory.mktemp("copy") / "terraform", plugins)


@pytest.fixture
def own_terraform(plugins, tmp_path):
    """A copy for one test."""
    return Terraform(tmp_path / "terraform", plugins)
