"""Waiting with a deadline: everything that a test waits for is a condition, never a time."""
import time


class Late(AssertionError):
    """A condition did not come true in time."""


def wait_for(condition, seconds, what):
    """The first true value of `condition()`; Late when there is none in time. An AssertionError or OSError inside counts as not yet."""
    end = time.monotonic() + seconds
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
        except (OSError, AssertionError, EOFError) as error:
            last = error
        if time.monotonic() >= end:
            raise Late("after %g s: %s%s" % (seconds, what() if callable(what) else what, " (%s)" % last if last else ""))
        time.sleep(0.02)
