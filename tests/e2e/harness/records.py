"""Reading the records that programs write: JSON Lines logs of peers and of pushmail, by polling a file from where it was left."""
import json


def lines(path):
    """All whole lines of a JSON Lines file; lines that are no JSON (a library's own words) are left out."""
    found = []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if not line.endswith("\n"):
                    break
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict):
                    found.append(record)
    except OSError:
        pass
    return found


def matching(records, **wanted):
    """Records whose fields equal `wanted`; a value that is callable decides itself."""
    def fits(record):
        return all(value(record.get(name)) if callable(value) else record.get(name) == value for name, value in wanted.items())
    return [record for record in records if fits(record)]
