"""Runs Terraform on a copy of `terraform/`, with the real Google provider if it is installed, else with its schema."""

import json
import os
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "terraform"
EXAMPLES = ("dev", "prod")
PROVIDERS = Path(".terraform/providers/registry.terraform.io/hashicorp/google")  # where `terraform init` puts it
MISSING = "terraform is not installed: NOTHING of terraform/ is checked, neither its syntax nor what it would make"
PROJECT, BILLING_ACCOUNT = "my-project", "012345-6789AB-CDEF01"
RUN = """
mock_provider "google" {{
  source = "./tests/mocks"
  {settings}
}}
run "plan" {{
  command = plan
}}
"""

if shutil.which("terraform") is None:
    warnings.warn(MISSING, stacklevel=1)
needs_terraform = pytest.mark.skipif(shutil.which("terraform") is None, reason=MISSING)


def has_real_provider():
    return (FOLDER / PROVIDERS).is_dir()


class Terraform:
    """A copy of `terraform/` in a folder, and the commands that tests run on it."""

    def __init__(self, folder, plugins):
        self.folder = folder
        shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.tfstate*", ".terraform*"))
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TF_")},
            **plugins,
            "TF_CLI_CONFIG_FILE": os.devnull,
            "TF_VAR_project": PROJECT,
            "TF_VAR_billing_account": BILLING_ACCOUNT,
        }

        if has_real_provider():
            for each in (".", "state"):
                place = FOLDER / ".terraform" / "providers"
                code, printed = self.run("init", "-backend=false", f"-plugin-dir={place}", folder=each)
                assert code == 0, printed

    def run(self, *arguments, folder="."):
        """The exit code and all that Terraform printed, with its line breaks within sentences removed."""
        command = ["terraform", f"-chdir={self.folder / folder}", arguments[0], "-no-color", *arguments[1:]]
        done = subprocess.run(command, capture_output=True, text=True, env=self._environment)
        return done.returncode, done.stdout + done.stderr

    def replace(self, name, old, new):
        """Change the text of one of the files."""
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new))

    def plan(self, *settings):
        """What would be made, as a user reads it; what only Google can know is left out."""
        return self._plan("", "-verbose", *settings)

    def outputs(self, *settings):
        """The outputs, where the mocked provider answers for Google."""
        code, printed = self._plan("override_during = plan", "-verbose", "-json", *settings)
        assert code == 0, printed
        (message,) = (each for each in map(json.loads, printed.splitlines()) if each["type"] == "test_plan")
        return {name: change["after"] for name, change in message["test_plan"]["output_changes"].items()}

    def _plan(self, mocked, *arguments):
        (self.folder / "tests" / "plan.tftest.hcl").write_text(RUN.format(settings=mocked))
        return self.run("test", "-filter=tests/plan.tftest.hcl", *arguments)

    def values_of(self, example):
        return f"-var-file={self.folder / 'examples' / example / 'terraform.tfvars'}"
