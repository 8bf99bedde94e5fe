"""Ports for the servers of one world, drawn anew in each; all of them from one place, so that no two servers draw the same."""
import random

# Below what the kernel gives to connections.
RANGE = range(10000, 32000)


def unused_ports(but=()):
    """Ports, each once; none of `but`, which somebody has already."""
    yield from (port for port in random.SystemRandom().sample(RANGE, len(RANGE)) if port not in but)
