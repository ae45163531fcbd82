"""Watches queries for distillation-like use: which accounts stand out, at what rate of false alarms.

monitor.py  Watches an account's queries for signs of distillation, at a stated rate of false alarms: a part of its own
traffic.py  Makes up accounts' queries, honest and not: what a monitor is calibrated on where no traffic of one's own is
            at hand
"""
