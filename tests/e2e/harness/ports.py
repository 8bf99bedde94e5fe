"""Ports for the servers of one world, drawn anew in each; all of them from one place, so that no two servers draw the same."""
import random

# Below what the kernel gives to connections.
RANGE = range(10000, 32000)


def unused_ports():
    """Ports, each once."""
    yield from random.SystemRandom().sample(RANGE, len(RANGE))
