"""Trains with programs of others: what they are run with, the rows they get, how they are watched, what they leave.

outcome.py    Checks what an external trainer left, and takes over the files of the model and nothing else
recipe.py     Checks and fills in what an external stage is run with: its command, and its configuration from a template
rows_file.py  Writes the rows of an external training: in the order in which our own engine would train on them
stage_run.py  Runs one training by somebody else's program: files in, the program watched, a checked model out
trainers.py   Names the trainers of others that are ready to use, each with its command, its configuration and its
              output
watch.py      Follows a trainer's log while it runs: losses, what it says of failures, and whether it says anything at
              all
"""
