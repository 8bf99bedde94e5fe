"""The accounts of pushmail's programs, for the length of a test.

Came from: namespace.enter, in a mount namespace of its own. Where the machine has them already (conf/install, the package) they are used;
where not, files of ours lie over /etc/passwd and /etc/group in there, and nowhere else.
"""
import grp
import os
import pwd
import subprocess

SYSUSERS = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", "..", "conf", "package", "sysusers.conf"))
FIRST = 64100   # of the numbers that Debian leaves alone


def wanted(path=SYSUSERS):
    """(groups, users, members as (user, group)) of a sysusers.d file."""
    groups, users, members = [], [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if words[:1] == ["g"]:
                groups.append(words[1])
            elif words[:1] == ["u"]:
                groups.append(words[1])
                users.append(words[1])
            elif words[:1] == ["m"]:
                members.append((words[1], words[2]))
    return groups, users, members


def exists(find, name):
    try:
        return bool(find(name))
    except KeyError:
        return False


def ensure(folder):
    """Makes what is missing; files go into `folder`."""
    groups, users, members = wanted()
    if all(exists(grp.getgrnam, name) for name in groups) and all(exists(pwd.getpwnam, name) for name in users):
        return
    taken = {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()}
    numbers = iter(number for number in range(FIRST, FIRST + 1000) if number not in taken)
    with open("/etc/group", encoding="utf-8") as file:
        group_lines = [line for line in file if line.split(":")[0] not in groups]
    with open("/etc/passwd", encoding="utf-8") as file:
        user_lines = [line for line in file if line.split(":")[0] not in users]
    of_group = {name: next(numbers) for name in groups}
    for name, number in of_group.items():
        group_lines.append("%s:x:%d:%s\n" % (name, number, ",".join(user for user, group in members if group == name)))
    for name in users:
        user_lines.append("%s:x:%d:%d::/nonexistent:/usr/sbin/nologin\n" % (name, of_group[name], of_group[name]))
    for path, lines in (("/etc/group", group_lines), ("/etc/passwd", user_lines)):
        ours = os.path.join(folder, os.path.basename(path))
        with open(ours, "w", encoding="utf-8") as file:
            file.writelines(lines)
        os.chmod(ours, 0o644)
        subprocess.run(["mount", "--bind", ours, path], check=True)
