"""The JSON Lines log that every test peer keeps: one object per event, flushed at once.

Came from: mmsc.py, smsc.py, phone.py. Goes to: the file named in the peer's settings; demo and e2e tests read it.
"""
import datetime
import json
import re


class Ledger:
    def __init__(self, program, path):
        self.program = program
        self.path = path
        self.file = open(path, "a", encoding="utf-8") if path else None
        self.events = []

    def write(self, event, **fields):
        now = datetime.datetime.now(datetime.timezone.utc)
        record = {"ts": now.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (now.microsecond // 1000), "program": self.program,
                  "event": event}
        record.update({name: value for name, value in fields.items() if value not in (None, "")})
        self.events.append(record)
        if self.file:
            self.file.write(json.dumps(record, ensure_ascii=False) + "\n")
            self.file.flush()
        return record


def trace_of(headers):
    """The trace id of a W3C traceparent header, or None."""
    match = re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", headers.get("traceparent", "").strip())
    return match.group(1) if match else None
