"""A Prometheus of its own, which asks pushmail every second by the rules that we ship, without their waits."""
import json
import os
import re
import urllib.parse
import urllib.request

from harness.process import Program
from harness.wait import wait_for

MONITORING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "conf", "monitoring")


def dashboard_queries():
    """(title, query) of each panel, for every server."""
    with open(os.path.join(MONITORING, "grafana.json"), encoding="utf-8") as file:
        panels = json.load(file)["panels"]
    return [(panel["title"], target["expr"].replace("$instance", ".+")) for panel in panels for target in panel.get("targets", [])]


class Prometheus:
    """folder is made; port is where it answers, target the host:port of /metrics."""

    def __init__(self, folder, port, target):
        self.port = port
        os.makedirs(folder)
        with open(os.path.join(MONITORING, "alerts.yml"), encoding="utf-8") as file:
            # What must last minutes before it wakes somebody is what a test would wait for.
            rules = re.sub(r"^ *for: .*\n", "", file.read(), flags=re.M)
        for name, text in (("alerts.yml", rules), ("prometheus.yml", json.dumps({
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                "rule_files": ["alerts.yml"],
                "scrape_configs": [{"job_name": "pushmail", "static_configs": [{"targets": [target]}]}]}))):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        self.program = Program("prometheus", ["prometheus", "--config.file=" + os.path.join(folder, "prometheus.yml"),
                                              "--storage.tsdb.path=" + os.path.join(folder, "data"),
                                              "--web.listen-address=127.0.0.1:%d" % port], os.path.join(folder, "log"))

    def start(self):
        self.program.start()
        wait_for(lambda: self.page("/-/ready"), 60, lambda: "Prometheus to be ready:\n" + self.program.tail())
        return self

    def page(self, path):
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open("http://127.0.0.1:%d%s" % (self.port, path), timeout=10) as answer:
            return answer.read().decode()

    def ask(self, path, **parameters):
        return json.loads(self.page("/api/v1/" + path + "?" + urllib.parse.urlencode(parameters)))["data"]

    def series(self, query):
        """What a query returns now."""
        return self.ask("query", query=query)["result"]

    def firing(self):
        """alert -> its labels and words"""
        return {alert["labels"]["alertname"]: alert for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"}

    def wait_firing(self, name, seconds=40):
        return wait_for(lambda: self.firing().get(name), seconds, lambda: "%s to fire; firing: %s" % (name, sorted(self.firing())))

    def wait_quiet(self, name, seconds=40):
        wait_for(lambda: name not in self.firing(), seconds, "%s to end" % name)
