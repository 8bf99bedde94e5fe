"""A state folder as one file: what pushmail and its mailboxes had on disk when both planes ended, and what was going on.

Came from: make_fixture.py (pack). Goes to: upgrade.py (unpack). Where the files lay is written as @ROOT@, so that they can lie elsewhere.
"""
import io
import json
import os
import pwd
import tarfile
import time

STATE = "root/var/lib/pushmail"
SETTINGS = "root/etc/pushmail"
CONFIGURATION = SETTINGS + "/pushmail.toml"
MAILBOXES = "dovecot/mail"
FACTS = "facts.json"
SIZE_MAX = 300 * 1024


def pack(world, facts, path):
    """Writes the state of a world whose planes have ended. facts: what upgrade.py has to know of it."""
    with open(os.path.join(world.folder, CONFIGURATION), encoding="utf-8") as file:
        configuration = file.read().replace(world.root, "@ROOT@")
    facts = dict(facts, ended=int(time.time()), drawn=world.drawn, mailboxes=world.mailboxes)
    with tarfile.open(path, "w:xz", preset=9) as archive:
        for name in (STATE, SETTINGS, MAILBOXES):
            archive.add(os.path.join(world.folder, name), name, filter=lambda entry: None if entry.name == CONFIGURATION else entry)
        for name, text in ((CONFIGURATION, configuration), (FACTS, json.dumps(facts, indent=1, ensure_ascii=False))):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return os.path.getsize(path)


def unpack(path, folder):
    """Lays everything under `folder`, where a world of this folder finds it -> the facts."""
    nobody = pwd.getpwnam("nobody")
    with tarfile.open(path) as archive:
        for entry in archive:
            # Dovecot's mails are its user's, everything else is ours.
            entry.uid, entry.gid = (nobody.pw_uid, nobody.pw_gid) if entry.name.startswith(MAILBOXES) else (os.geteuid(), os.getegid())
            entry.uname = entry.gname = ""
            archive.extract(entry, folder)
    with open(os.path.join(folder, CONFIGURATION), encoding="utf-8") as file:
        configuration = file.read().replace("@ROOT@", os.path.join(folder, "root"))
    with open(os.path.join(folder, CONFIGURATION), "w", encoding="utf-8") as file:
        file.write(configuration)
    with open(os.path.join(folder, FACTS), encoding="utf-8") as file:
        return json.load(file)
