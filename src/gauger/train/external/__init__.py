"""Trains with programs of others: what they are run with, the rows they get, how they are watched, what they leave.

material.py        Describes what an external training learns from: texts, pairs of answers, or questions that the
                   student answers
outcome.py         Checks what an external trainer left, and takes over the files of the model and nothing else
pairs_file.py      Writes the pairs of an external preference training: in the order in which our own engine would train
                   on them
questions_file.py  Writes the questions of an external training on rewards: in the order in which our own engine would
                   ask them
recipe.py          Checks and fills in what an external stage is run with: its command, and its configuration from a
                   template
reward_server.py   Serves a verifier to trainers of others: answers in, rewards out, over HTTP on loopback and for one
                   token alone
rows_file.py       Writes the rows of an external training: in the order in which our own engine would train on them
stage_run.py       Runs one training by somebody else's program: files in, the program watched, a checked model out
stage_values.py    Says what a command or a template may name of one training: its files, its sizes, its devices, its
                   checkpoints
step_passes.py     Counts the passes of which a step is made, and refuses a step that whole passes cannot make
trainers.py        Names the trainers of others that are ready to use, each with its command, its configuration and its
                   output
training.py        Describes one training by somebody else's program: what is trained, on what, how long, and on which
                   devices
watch.py           Follows a trainer's log while it runs: losses, what it says of failures, and whether it says anything
                   at all
"""
