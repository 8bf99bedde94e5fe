"""One program of the world: its command, its log file, and ways to end it."""
import os
import signal
import subprocess

from harness.wait import wait_for


class Program:
    def __init__(self, name, command, log, environment=None, folder=None):
        self.name, self.command, self.log, self.environment, self.folder = name, command, log, environment or {}, folder
        self.popen = None

    def start(self, **environment):
        """Starts it, appending to its log. `environment` is for this run alone."""
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                                          env=dict(os.environ, **self.environment, **environment), start_new_session=True)
        return self

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen is not None and self.popen.poll() is None

    def wait(self, seconds=30):
        wait_for(lambda: self.popen.poll() is not None, seconds, "%s to end" % self.name)
        return self.popen.returncode

    def kill(self):
        """kill -9, as a crash would."""
        if self.running():
            self.popen.send_signal(signal.SIGKILL)
            self.popen.wait()

    def stop(self, seconds=25):
        if self.running():
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()

    def tail(self, lines=15):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return "".join(file.readlines()[-lines:])
        except OSError:
            return ""
