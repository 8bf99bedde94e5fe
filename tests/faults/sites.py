#!/usr/bin/python3
"""The places in the sources where a call can fail: found in the text, compared with the list in sites.tsv.

Came from: the sources of the three programs. Goes to: tests/faults/run, which fails each of them, and the test faults.sites, which keeps
the list whole: a new call has a row, with how it is failed or why it is not.

    sites.py              compare; exit 1 and the difference when they differ
    sites.py --update     write the counts of the list anew; new rows say "flow", and a person looks at them
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
LIST = os.path.join(HERE, "sites.tsv")
FOLDERS = ("core", "codec", "dataplane", "controlplane")

# Calls into the system: those whose names are everyday words are written with `::` here, the
# others with or without; the members of core/storage.h and its functions; what the libraries call for us.
EVERYDAY = ("bind", "connect", "listen", "open", "poll", "read", "recv", "rename", "send", "shutdown", "socket", "stat", "unlink", "write")
SYSTEM = ("accept4", "chmod", "chown", "dup2", "epoll_create1", "epoll_ctl", "epoll_wait", "eventfd", "execv", "fallocate", "fdatasync",
          "fcntl", "flock", "fork", "fstat", "fsync", "ftruncate", "getgrnam", "getpwnam", "getrandom", "getrlimit", "getsockname",
          "getsockopt", "initgroups", "ioctl", "lchown", "mkdir", "mmap", "prctl", "pread", "pthread_create", "sendmsg", "setgid",
          "setgroups", "setresgid", "setresuid", "setrlimit", "setsockopt", "setuid", "sigaction", "signalfd", "sigprocmask", "socketpair",
          "statvfs", "timerfd_create", "unshare", "writev", "io_uring_queue_init", "io_uring_register_eventfd", "io_uring_submit")
LIBRARY = ("sqlite3_open_v2", "sqlite3_step", "sqlite3_exec", "sqlite3_wal_checkpoint_v2", "ares_getaddrinfo", "ares_init_options",
           "hs_alloc_scratch", "hs_compile_ext_multi", "async_accept", "async_connect", "async_read", "async_read_some", "async_write",
           "async_write_some", "async_wait", "rte_eal_init", "rte_eth_dev_configure", "rte_eth_rx_queue_setup", "rte_eth_tx_queue_setup",
           "rte_eth_dev_start", "rte_pktmbuf_pool_create")
SEAM = ("make_folders", "read_file", "replace_file", "sync_folder")
MEMBERS = ("open", "read", "write", "allocate", "truncate", "sync", "rename", "remove", "make_folder")
CALLS = re.compile(
    r"(?<![\w>:])::(?P<everyday>%s)\(" % "|".join(EVERYDAY) +
    r"|(?<![\w.>:])(?:::)?(?P<system>%s)\(" % "|".join(SYSTEM) +
    r"|\b(?:asio::|http::|\w+[.])?(?P<library>%s)\(" % "|".join(LIBRARY) +
    r"|(?<![\w.>])(?P<seam>%s)\((?!Storage&|const )" % "|".join(SEAM) +
    r"|\b(?:storage_?|system_storage\(\))(?:\.|->)(?P<member>%s)\(" % "|".join(MEMBERS) +
    r"|std::(?P<stream>ifstream|ofstream) \w+\(" +
    r"|(?P<folder>directory_iterator)\((?!\))" +
    r"|\b(?P<thread>Thread) ?(?:\w+)?\([\"\[]")
# A declaration or a definition of ours with such a name is no call: a type stands before it.
DECLARED = re.compile(r"(?:^|\s)(?:int|void|bool|ssize_t|auto|Result<[\w:<>]+>|std::expected<[^()]*>|\[\[nodiscard\]\].*)\s+(?:\w+::)*$")


def without_comments(text):
    """The same lines, comments and texts blanked."""
    def blank(match):
        found = match.group(0)
        return found if found[0] not in "/\"" else re.sub(r"[^\n]", " ", found) if found[0] == "/" else '"%s"' % (" " * (len(found) - 2))
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def in_file(path):
    """(line, call) of each call in one source."""
    with open(path, encoding="utf-8") as file:
        lines = without_comments(file.read()).split("\n")
    for number, line in enumerate(lines, 1):
        for match in CALLS.finditer(line):
            if match.group("system") and DECLARED.search(line[:match.start()]):
                continue
            if match.group("seam") and DECLARED.search(line[:match.start()]):
                continue
            kind, name = next((kind, name) for kind, name in match.groupdict().items() if name)
            yield number, ("storage." + name) if kind == "member" else name


def in_sources():
    """{file: [(line, call)]} of the sources, files in order of name."""
    found = {}
    for folder in FOLDERS:
        for root, _, names in sorted(os.walk(os.path.join(SOURCE, folder))):
            for name in sorted(names):
                if name.endswith((".cpp", ".h")):
                    path = os.path.join(root, name)
                    calls = list(in_file(path))
                    if calls:
                        found[os.path.relpath(path, SOURCE)] = calls
    return found


def counted(found):
    counts = {}
    for file, calls in found.items():
        for _, call in calls:
            counts[file, call] = counts.get((file, call), 0) + 1
    return counts


def in_list():
    """{(file, call): (count, how)}; `how` is "flow", or why tests/faults/run does not fail it."""
    rows = {}
    with open(LIST, encoding="utf-8") as file:
        for line in file:
            if line.startswith("#") or not line.strip():
                continue
            path, call, count, how = line.rstrip("\n").split("\t")
            rows[path, call] = (int(count), how)
    return rows


HEAD = ("# Calls that can fail, by source file: how often the call stands there, and how it is failed.\n"
        "# flow: tests/faults/run fails it in the running programs. Anything else is the reason why not, and what stands for it.\n"
        "# file\tcall\tcount\thow\n")


def update(counts, rows):
    with open(LIST, "w", encoding="utf-8") as file:
        file.write(HEAD)
        for (path, call), count in sorted(counts.items()):
            file.write("%s\t%s\t%d\t%s\n" % (path, call, count, rows.get((path, call), (0, "flow"))[1]))


def main():
    counts = counted(in_sources())
    rows = in_list() if os.path.exists(LIST) else {}
    if "--update" in sys.argv[1:]:
        update(counts, rows)
        return 0
    wrong = ["%s: %s stands there %d times, the list says %d" % (path, call, count, rows.get((path, call), (0, ""))[0])
             for (path, call), count in sorted(counts.items()) if rows.get((path, call), (0, ""))[0] != count]
    wrong += ["%s: %s is in the list and not in the source" % key for key in sorted(rows) if key not in counts]
    wrong += ["%s: %s: no reason" % key for key, (_, how) in sorted(rows.items()) if how != "flow" and len(how) < 10]
    print("\n".join(wrong) or "%d calls in %d rows" % (sum(counts.values()), len(counts)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
