"""Our programs that run, by what the kernel says."""
import glob


def running():
    """(name, PID) of each in this namespace. One that has ended and that nobody has waited for yet is none."""
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8") as file:
                pid, _, rest = file.read().partition(" (")
        except OSError:
            continue
        name, _, rest = rest.rpartition(") ")
        if name.startswith("pushmail-") and not rest.startswith("Z"):
            found.append((name, int(pid)))
    return found
