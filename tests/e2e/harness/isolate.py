"""A mount namespace of the test's own with an empty /run: nothing that a test leaves there, not even after a crash, outlives it."""
import os
import sys

MARK = "PUSHMAIL_TEST_ISOLATED"


def isolate():
    """Runs the calling script again inside such a namespace; returns only there."""
    if os.environ.get(MARK) == "1":
        return
    os.environ[MARK] = "1"
    inner = 'mount -t tmpfs -o mode=755 tmpfs /run && exec "$@"'
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
                          "sh", "-c", inner, "sh", sys.executable] + sys.argv)
