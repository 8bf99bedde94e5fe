"""Runs the calling script again in network, mount and PID namespaces of its own, with a run folder that goes away afterwards.

Came from: demo.py and the e2e tests, first thing. Goes to: the same script, inside. Whatever happens inside, even kill -9, its
processes, interfaces and files are gone when the outer script ends.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from harness import accounts

INSIDE = "PUSHMAIL_RUN_FOLDER"


def run_folder():
    return os.environ[INSIDE]


def enter():
    """Returns only inside, and there only once everything is set up."""
    if INSIDE in os.environ:
        # PID 1 has no default handlers: a stop must end the world.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(143))
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        accounts.ensure(run_folder())
        return
    if os.geteuid() != 0:
        sys.exit("this needs root: network namespaces, Dovecot and Postfix users")
    # Short: paths of UNIX sockets end at 108 bytes.
    folder = tempfile.mkdtemp(prefix="pm-", dir="/run")
    os.chmod(folder, 0o711)
    environment = dict(os.environ, **{INSIDE: folder, "RUNTIME_DIRECTORY": folder + "/dpdk", "PYTHONDONTWRITEBYTECODE": "1"})
    os.mkdir(folder + "/dpdk", 0o700)
    child = subprocess.Popen(["unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=SIGKILL",
                              "--mount-proc", sys.executable, "-B"] + sys.argv, env=environment)

    def stop(number, _frame):
        child.kill()
        raise SystemExit(128 + number)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    code = 1
    try:
        while True:
            try:
                code = child.wait()
                break
            except KeyboardInterrupt:
                # The terminal sends it to the inside too, which ends itself; a second one ends it for certain.
                try:
                    code = child.wait(10)
                    break
                except (KeyboardInterrupt, subprocess.TimeoutExpired):
                    child.kill()
    finally:
        child.kill()
        child.wait()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(code if code >= 0 else 128 - code)
