"""File and variable names that a Job's manifest and the command in its pods share. Imports nothing."""

TRIALS_FILE = "trials.jsonl.gz"  # has one line for each index of the Job
INDEX = "JOB_COMPLETION_INDEX"  # environment variable that Kubernetes sets in each pod of an Indexed Job
HOST_INDEX = "FLEXRL_HOST_INDEX"  # environment variable, read by `flexrl.training.hosts`
START_SECONDS = "FLEXRL_START_SECONDS"  # environment variable, read by `flexrl.training.hosts`
