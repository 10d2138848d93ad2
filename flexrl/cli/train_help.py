"""The help of `python -m flexrl.train`: the flags that most people need.

`--help-all` lists every flag, with its default for the algorithm and the environment.
This module imports nothing, so that the help is printed at once.
"""

SHORT_HELP = """\
usage: python -m flexrl.train [flags]

Train a policy. Everything about the run goes to the folder workspace/NAME.

What to train
  --env NAME                 humanoid-walk (default), humanoid-skills, ...: `python -m envs list` names all;
                             brax:NAME, playground:NAME; my_robot.xml for a robot of your own;
                             path/to/file.py:Class for a task of your own
  --algo NAME                ppo (default), bc (behavior cloning) or dt (Decision Transformer)
  --config FILE.yaml         set any field of a run by a file; flags go first
  --seed N                   seed of everything random
  --parent RUN[:STEP]        begin from the networks of another run
  --task.FIELD VALUE         a parameter of the environment, such as --task.target-speed 2.0

How long
  --total-steps N            control steps, counted over all worlds: 5000000, 5e6 or 5M
  --early-stop.max-minutes M             end after M minutes of training
  --early-stop.reward-threshold R        end at this evaluation return
  --early-stop.patience N                end after N evaluations without a better return
  --pause-after N            save and end after N evaluations; --resume does the rest

Go on
  --resume RUN               after Ctrl-C, a crash or a lost machine
  --resume RUN --total-steps N           with a finished run, up to N steps in all

How to learn
  --algorithm.learning-rate X            --algorithm.discount X
  --algorithm.policy-layers N N N        hidden units of the policy network
  --algorithm.memory {none,gru,lstm}     recurrent cell in front of the networks
  --algorithm.symmetric                  make the policy left-right symmetric
  --algorithm.dataset DIR                dataset to learn from, with --algo bc or dt

On what
  --num-envs N               worlds (parallel environments)
  --profile {cpu,gpu}        which defaults to use; chosen by the device when not given
  --physics {auto,native,mjx-jax,mjx-warp}
  --num-devices N            accelerators that share the worlds
  --randomization.FIELD A B  vary friction, mass, gain; push the robot (--randomization.push-interval)

Several runs in one program
  --num-seeds N              with this seed and the next ones
  --vary FIELD=A,B,C         with each of these values, such as learning-rate=1e-4,3e-4

What to keep and show
  --name NAME  --workspace FOLDER        the run's folder
  --num-evaluations N  --evaluation-episodes N  --checkpoint-interval N
  --tracking.to {mlflow,wandb}           send metrics to trackers
  --no-video                 draw no video at the end

  --help-all                 all flags with their defaults; add --algo and --env to see theirs
"""
