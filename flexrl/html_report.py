"""Write a report about a run, as one HTML file without scripts or other files: `python -m flexrl.html_report RUN`."""

import sys
from dataclasses import dataclass
from pathlib import Path

from flexrl.common.errors import ConfigError, exit_codes


@dataclass(frozen=True)
class HtmlReportArguments:
    """Write a report about a run as one HTML file.

    Attributes:
      out: file to write; without it report.html in the run's folder. For an exported policy it must be given.
      compare: run whose learning curves are drawn with this run's, and whose config is compared with it; without it the
        run that this run started from (its parent), if there is one.
      workspace: folder that holds the runs.
    """

    out: Path | None = None
    compare: str | None = None
    workspace: str = "workspace"


def main(arguments: list[str]) -> None:
    """Run `flexrl.html_report` with a command line: write an HTML report about a run to the file that `--out` names.

    Without `--out` the file is `report.html` in the run's folder.
    """
    with exit_codes():
        from flexrl.common.flags import parse_tool

        run, options = parse_tool(HtmlReportArguments, arguments, "flexrl.html_report")
        write_report(run, options)


def write_report(run: str, options: HtmlReportArguments) -> None:
    """Write the HTML report about a run to `options.out`, and print the file's name and size.

    Args:
      run: folder of a run or of an exported policy, or a run's name.
      options: the file, which is `report.html` in the run's folder if `out` is None; and a run to compare with.

    Raises:
      ConfigError: if there is no such run, the file cannot be written, or `options.out` is None for an exported policy.
    """
    from envs.places import require_file
    from flexrl.cli.differences import differences
    from flexrl.common.files import write_text
    from flexrl.common.tables import say
    from flexrl.reporting.html_page import page
    from flexrl.storage.lineage import ancestors
    from flexrl.storage.policy_file import is_exported
    from flexrl.storage.run_folder import find_run
    from flexrl.storage.run_view import read_run, read_runs

    record = read_run(find_run(run, options.workspace))
    beside = ancestors(record)[:1]
    if options.compare is not None:
        beside = [read_run(find_run(options.compare, options.workspace))]
    if options.out is None and is_exported(record.folder):
        raise ConfigError(f"out: is missing, and {record.folder} is an exported policy; name a file by --out")
    out = options.out or record.folder / "report.html"
    require_file(out)
    say(f"drawing the report about {record.folder}")
    write_text(out, page(record, beside, read_runs(record.folder.parent), differences(record.config)[0]))
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
