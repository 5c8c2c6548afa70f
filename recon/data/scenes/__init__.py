"""Anatomy drawn from random numbers: functions of continuous coordinates, rendered at any size and spacing."""
