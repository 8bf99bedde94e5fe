"""A private Dovecot: IMAP, POP3 and LMTP on random ports of one address, Maildir, users from a passwd file; no systemd, own log.

With a certificate also STARTTLS, and IMAP and POP3 over TLS on ports of their own.

Its log is one of the records that demo.py prints from.
"""
import os
import pwd
import socket

from harness.process import Program
from harness.wait import wait_for

CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
log_timestamp = "%Y-%m-%dT%H:%M:%S "
protocols = imap pop3 lmtp
listen = {address}
{ssl}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %n
auth_cache_size = 0
auth_failure_delay = 0
default_internal_user = dovecot
default_login_user = dovenull
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%n
mail_max_userip_connections = 1000
lmtp_save_to_detail_mailbox = no
protocol lmtp {{
  mail_plugins =
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {folder}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%n
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = {address}
    port = {lmtp}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""


class Dovecot:
    """`imap`, `pop3`, `lmtp`, and with `certificate` (its file and its key's) `imaps` and `pop3s`, are (address, port).

    `port` gives one that nobody else at the address has, at each call.
    """

    def __init__(self, folder, address, port, certificate=None):
        self.folder = folder
        self.log = os.path.join(folder, "dovecot.log")
        imap, pop3, lmtp, imaps, pop3s = (port() for _ in range(5))
        if certificate is None:
            imaps = pop3s = 0
            ssl = "ssl = no"
        else:
            ssl = "ssl = yes\nssl_cert = <%s\nssl_key = <%s" % certificate
        self.imap, self.pop3, self.lmtp = (address, imap), (address, pop3), (address, lmtp)
        self.imaps, self.pop3s = (address, imaps), (address, pop3s)
        os.makedirs(os.path.join(folder, "mail"), exist_ok=True)
        os.chmod(folder, 0o755)
        nobody = pwd.getpwnam("nobody")
        os.chown(os.path.join(folder, "mail"), nobody.pw_uid, nobody.pw_gid)
        self.configuration = os.path.join(folder, "dovecot.conf")
        with open(self.configuration, "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(folder=folder, address=address, imap=imap, pop3=pop3, lmtp=lmtp, imaps=imaps, pop3s=pop3s, ssl=ssl))
        self._users({})

    def _users(self, users):
        self.users = users
        path = os.path.join(self.folder, "users")
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write("".join("%s:%s\n" % item for item in users.items()))
        os.chmod(path + ".new", 0o644)
        os.replace(path + ".new", path)

    def add_user(self, name, password):
        """A new user, or a new password for one."""
        self._users(dict(self.users, **{name: "{PLAIN}" + password}))

    def start(self):
        self.program = Program("dovecot", ["dovecot", "-F", "-c", self.configuration], os.path.join(self.folder, "dovecot.out")).start()
        for endpoint, greeting in ((self.imap, b"* OK"), (self.pop3, b"+OK"), (self.lmtp, b"220 ")):
            wait_for(lambda endpoint=endpoint, greeting=greeting: self.greets(endpoint, greeting), 30, "Dovecot to answer")

    @staticmethod
    def greets(endpoint, greeting):
        with socket.create_connection(endpoint, 5) as connection:
            return connection.recv(200).startswith(greeting)

    def stop(self):
        self.program.stop()

    def lines(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read().splitlines()
        except OSError:
            return []
