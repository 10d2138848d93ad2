"""Stages that use each other's outputs: `python -m launch.pipeline plan|run|submit|status|export PIPELINE.yaml`.

A stage is a training or a command of this project. It runs once the stages whose outputs it uses are done.
"""

import dataclasses
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from flexrl.common.errors import exit_codes
from launch.exits import EXIT_FAILED, leave

if TYPE_CHECKING:
    from launch.pipelines.pipeline_file import Pipeline
    from launch.pipelines.stages import Stage
    from launch.plan.sweep_file import Sweep

TEXTS = {
    "plan": "list the stages in their order, what each does and what is left to do; starts nothing",
    "run": "run the stages that are not done, one after the other on this machine; after an interruption, run again",
    "submit": "send each stage whose inputs are done to a Kubernetes cluster; submit again, or --wait, sends the next",
    "status": "show state, attempts and seconds of each stage, and why it failed",
    "export": "write the pipeline as an Airflow DAG or as a Kubeflow pipeline",
}
TERRAFORM = "use the cluster that this Terraform folder made, such as terraform/; implies --backend kubernetes"


def main(arguments: list[str]) -> None:
    """Parse the command line and run the command.

    Exit codes are those of a run (`flexrl.common.errors`), 1 if a stage failed, and 69 if a cluster does not answer.
    """
    with exit_codes():
        options = _parse(arguments)
        from launch.pipelines.pipeline_file import load_pipeline
        from launch.pipelines.stages import load_stages

        pipeline = load_pipeline(options.pipeline, options.overlay, options.set)
        stages = load_stages(pipeline, options.workspace, str(options.pipeline))
        COMMANDS[options.command](options, pipeline, stages)


def _parse(arguments: list[str]) -> Namespace:
    from flexrl.common.parser import Parser

    parser = Parser(prog="python -m launch.pipeline", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in TEXTS.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("pipeline", type=Path, help="the pipeline's file")
        command.add_argument("--overlay", help="overlay of the file to use, such as toy")
        command.add_argument("--workspace", type=Path, default=Path("workspace"), help="folder of all pipelines")
        command.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE", help="value for a variable of the file"
        )
        if name == "status":
            command.add_argument("--backend", choices=("local", "kubernetes"), default="local", help="where to look")
        if name in ("submit", "status", "export"):
            command.add_argument("--from-terraform", type=Path, metavar="FOLDER", help=TERRAFORM)
            command.add_argument("--namespace", help="Kubernetes namespace, instead of the one in the file")
        if name in ("submit", "status"):
            command.add_argument("--context", help="context of the kubeconfig, instead of its current one")
        if name == "submit":
            command.add_argument("--dry-run", action="store_true", help="let the cluster check, and create nothing")
            command.add_argument("--wait", action="store_true", help="go on until all stages are done or one failed")
        if name == "export":
            command.add_argument("--to", choices=("airflow", "kubeflow"), required=True, help="what to write")
            command.add_argument("--out", type=Path, required=True, help="file to write")
    return parser.parse_args(arguments)


def plan(options: Namespace, pipeline: "Pipeline", stages: list["Stage"]) -> None:
    """Print each stage with what it does, what it needs and its state on this machine."""
    from flexrl.common.tables import print_table
    from launch.pipelines.stage_folder import stage_folder

    states = [stage_folder(stage).progress().state for stage in stages]
    rows = [
        (stage.name, stage.key, _does(stage), ", ".join(stage.inputs) or "-", state)
        for stage, state in zip(stages, states, strict=True)
    ]
    print_table(("stage", "key", "does", "needs", "state"), rows)
    done = states.count("done")
    print(f"{pipeline.name}: {len(stages)} stages, {done} done, {len(stages) - done} to run")


def _does(stage: "Stage") -> str:
    if stage.train is None:
        return stage.command[0]
    return f"train {stage.train['algo']} on {stage.train['env']}, {stage.train['total_steps']:,} steps"


def run(options: Namespace, pipeline: "Pipeline", stages: list["Stage"]) -> None:
    """Run all stages that are not done, on this machine, one after the other."""
    from launch.pipelines.walk import walk

    walk(stages, pipeline.retries)


def submit(options: Namespace, pipeline: "Pipeline", stages: list["Stage"]) -> None:
    """Send the stages whose inputs are done to the cluster, and print the state of each stage.

    With `--wait` send the other stages as their inputs get done, until all stages are done or one has failed.
    """
    from launch.pipelines.cluster import StageJobs

    sweeps, context = _on_cluster(options, pipeline)
    jobs = StageJobs(stages, sweeps, context)
    jobs.submit(dry_run=options.dry_run)
    if options.wait and not options.dry_run:
        jobs.wait()
    _exit_if_failed(jobs.print_status())


def status(options: Namespace, pipeline: "Pipeline", stages: list["Stage"]) -> None:
    """Print the state of each stage, on this machine or on the cluster."""
    from launch.pipelines.tables import print_status

    if options.backend == "kubernetes" or options.from_terraform:
        from launch.pipelines.cluster import StageJobs

        sweeps, context = _on_cluster(options, pipeline)
        jobs = StageJobs(stages, sweeps, context)
        jobs.look()
        jobs.print_status()
        return
    from launch.pipelines.stage_folder import stage_folder

    print_status(stages, [stage_folder(stage).progress() for stage in stages])


def _exit_if_failed(failed: list[str]) -> None:
    if failed:
        leave(f"stage {', '.join(failed)} failed; submit again begins there", EXIT_FAILED)


def export(options: Namespace, pipeline: "Pipeline", stages: list["Stage"]) -> None:
    """Write the pipeline to the file `--out`, as a DAG of Airflow or as a compiled pipeline of Kubeflow."""
    from envs.places import require_file
    from flexrl.common.files import write_text

    sweeps, _ = _on_cluster(options, pipeline)
    if options.to == "airflow":
        from launch.pipelines.airflow import dag_file as written
    else:
        from launch.pipelines.kubeflow import pipeline_file as written
    text = written(pipeline, stages, sweeps)
    require_file(options.out)
    write_text(options.out, text)
    print(f"wrote {options.out}: {len(stages)} stages")


def _on_cluster(options: Namespace, pipeline: "Pipeline") -> tuple[dict[str, "Sweep"], str | None]:
    """Return by stage name a `Sweep` with the stage's cluster, resources and retries; and the kubeconfig's context.

    Values of `--from-terraform` and `--namespace` replace those of the pipeline's file.
    """
    from launch.pipelines.cluster import require_cluster

    sweeps, context = {name: pipeline.as_sweep(name) for name in pipeline.stages}, getattr(options, "context", None)
    if options.from_terraform is not None:
        from launch.kubernetes.terraform_outputs import in_pool, on_cloud, read_cloud

        cloud = read_cloud(options.from_terraform)
        sweeps = {name: in_pool(on_cloud(sweep, cloud), cloud) for name, sweep in sweeps.items()}
        context = context or cloud.context
    for name, sweep in sweeps.items():
        cluster = require_cluster(sweep)
        if options.namespace:
            cluster = dataclasses.replace(cluster, namespace=options.namespace)
            sweeps[name] = dataclasses.replace(sweep, cluster=cluster)
    return sweeps, context


COMMANDS = {"plan": plan, "run": run, "submit": submit, "status": status, "export": export}


if __name__ == "__main__":
    main(sys.argv[1:])
