#!/usr/bin/python3
"""What conf/monitoring brings for Prometheus and Grafana: they read it, and it asks only for what we show.

Run by ctest. The metrics are those of docs/metrics.md, which another test holds against the tables in code; e2e.status has a real
Prometheus ask running programs.
"""
import json
import os
import re
import subprocess
import tempfile
import unittest

import yaml

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
MONITORING = os.path.join(SOURCE, "conf", "monitoring")
INSTALLED = "/usr/share/pushmail/monitoring"
CASES = os.path.join(SOURCE, "tests", "package", "alerts_test.yml")
# Labels that Prometheus adds to each series of ours.
ADDED = {"instance", "job"}


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


def promtool(*words, text=None):
    """(exit code, what it says)"""
    done = subprocess.run(("promtool",) + words, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False,
                          text=True)
    return done.returncode, done.stdout


def metrics():
    """name -> (type, labels, meaning) of docs/metrics.md"""
    found = {}
    for line in read("docs", "metrics.md").splitlines():
        cells = [cell.strip(" `") for cell in line.strip("|").split("|")]
        if cells[0].startswith("pushmail_"):
            found[cells[0]] = (cells[1], set(cells[2].split()) if len(cells) == 4 else set(), cells[-1])
    return found


def rules():
    return [rule for group in yaml.safe_load(read("conf", "monitoring", "alerts.yml"))["groups"] for rule in group["rules"]]


def panels():
    return [panel for panel in json.loads(read("conf", "monitoring", "grafana.json"))["panels"] if panel["type"] != "row"]


def without_variables(query):
    return query.replace("$instance", ".+")


def complaints(where, query, known):
    """What a query asks for that no page of ours has."""
    if re.search(r"\bup\{", query):
        return []
    found = []
    names = re.findall(r"\b(pushmail_\w+)(?:\{([^}]*)\})?", query)
    if not names:
        found.append("%s: asks for nothing of ours" % where)
    for name, matchers in names:
        if name not in known:
            found.append("%s: %s is no metric" % (where, name))
            continue
        kind, labels, _ = known[name]
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers):
            if label not in labels | ADDED:
                found.append("%s: %s has no label %s" % (where, name, label))
        for state in re.findall(r'\bstate=~?"([^"]*)"', matchers):
            found += ["%s: %s is no state" % (where, word) for word in state.split("|") if '"%s"' % word not in read("core", "item_state.h")]
        counted = re.search(r"\b(rate|increase|resets)\(%s\b" % name, query)
        if counted and kind != "counter":
            found.append("%s: %s of %s, which is no counter" % (where, counted.group(1), name))
    return found


class Monitoring(unittest.TestCase):
    maxDiff = None

    def well(self, done):
        self.assertEqual(0, done[0], done[1])

    def test_promtool_reads_every_metric_of_the_tables(self):
        page = ""
        for name, (kind, labels, meaning) in metrics().items():
            values = "{%s}" % ",".join('%s="x"' % label for label in sorted(labels)) if labels else ""
            page += "# HELP %s %s\n# TYPE %s %s\n%s%s 1\n" % (name, meaning, name, kind, name, values)
        self.assertGreater(len(page), 1000)
        self.assertEqual((0, ""), promtool("check", "metrics", text=page))

    def test_promtool_reads_the_rules(self):
        self.well(promtool("check", "rules", os.path.join(MONITORING, "alerts.yml")))

    def test_each_alert_fires_and_does_not(self):
        self.well(promtool("test", "rules", CASES))
        cases = yaml.safe_load(read("tests", "package", "alerts_test.yml"))["tests"]
        silent, fires = set(), set()
        for case in cases:
            for one in case.get("promql_expr_test", []):
                name = re.search(r'alertname="(\w+)"', one["expr"]).group(1)
                self.assertEqual(case["name"], name)
                (fires if one.get("exp_samples") else silent).add(name)
        names = {rule["alert"] for rule in rules()}
        self.assertEqual(names, silent, "alerts with a case in which they do not fire")
        self.assertEqual(names, fires, "alerts with a case in which they fire")

    def test_each_alert_says_what_to_do(self):
        names = [rule["alert"] for rule in rules()]
        self.assertEqual(sorted(set(names)), sorted(names))
        for rule in rules():
            with self.subTest(rule["alert"]):
                self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
                self.assertEqual({"summary", "action"}, set(rule["annotations"]))
                for document in re.findall(r"\b\w+\.md\b", rule["annotations"]["action"]):
                    self.assertIn("/usr/share/doc/pushmail/" + document, rule["annotations"]["action"])
                    self.assertTrue(os.path.isfile(os.path.join(SOURCE, "docs", document)), document)
                # A word of the labels that no series has would stand there empty.
                known = set().union(ADDED, *(metrics()[name][1] for name in re.findall(r"\bpushmail_\w+", rule["expr"]) if name in metrics()))
                for text in rule["annotations"].values():
                    self.assertLessEqual(set(re.findall(r"\$labels\.(\w+)", text)), known)

    def test_queries_name_only_metrics_of_the_tables(self):
        known = metrics()
        found = []
        for rule in rules():
            found += complaints(rule["alert"], rule["expr"], known)
        for panel in panels():
            for target in panel["targets"]:
                found += complaints("panel " + panel["title"], target["expr"], known)
                labels = set().union(ADDED, *(known[name][1] for name in re.findall(r"\bpushmail_\w+", target["expr"]) if name in known))
                found += ["panel %s: no label %s" % (panel["title"], label)
                          for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]) if label not in labels]
        self.assertEqual([], found)

    def test_the_check_of_queries_finds_what_is_wrong(self):
        known = metrics()
        for query in ("pushmail_no_such_metric > 0", 'pushmail_status{peer="x"} == 2', "rate(pushmail_status[5m])", "vector(1)",
                      'pushmail_items{state="lost"}'):
            self.assertEqual(1, len(complaints("x", query, known)), query)

    def test_the_dashboard_is_one(self):
        board = json.loads(read("conf", "monitoring", "grafana.json"))
        numbers = [panel["id"] for panel in board["panels"]]
        self.assertEqual(sorted(set(numbers)), sorted(numbers))
        places = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24, panel["title"])
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertEqual(set(), cells & places, panel["title"] + " lies over another panel")
            places |= cells
        for panel in panels():
            self.assertTrue(panel["description"] and panel["targets"], panel["title"])
        self.assertIn("label_values(pushmail_status, instance)", json.dumps(board["templating"]))
        queries = [without_variables(target["expr"]) for panel in panels() for target in panel["targets"]]
        self.assertNotIn("$", "".join(queries), "a variable that the dashboard does not have")
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "queries.yml")
            with open(path, "w", encoding="utf-8") as file:
                yaml.safe_dump({"groups": [{"name": "panels", "rules": [{"record": "panel:%d" % i, "expr": query}
                                                                         for i, query in enumerate(queries)]}]}, file)
            self.well(promtool("check", "rules", path))

    def test_the_sample_asks_where_we_answer(self):
        text = read("conf", "monitoring", "prometheus.yml")
        self.assertIn("%s/alerts.yml" % INSTALLED, text)
        self.assertIn("DESTINATION %s" % INSTALLED.removeprefix("/usr/"), read("conf", "cmake", "install.cmake"))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "prometheus.yml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(INSTALLED, MONITORING))
            self.well(promtool("check", "config", path))
        job, = yaml.safe_load(text)["scrape_configs"]
        default = re.search(r'\[metrics\]\n(?:# .*\n)*#listen = "([^"]+)"', read("conf", "pushmail.toml")).group(1)
        self.assertEqual([default], job["static_configs"][0]["targets"])
        for name in re.findall(r'job="(\w+)"', read("conf", "monitoring", "alerts.yml")):
            self.assertEqual(job["job_name"], name)


if __name__ == "__main__":
    unittest.main()
