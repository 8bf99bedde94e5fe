"""A private Postfix: takes what pushmail sends and hands it to Dovecot by LMTP; forwards our MMS domain to pushmail by SMTP.

Own configuration, queue and log; no chroot, no syslog, no systemd. Its log is one of the records that demo.py prints from.
"""
import os
import pwd
import socket
import subprocess

from harness.wait import wait_for

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = {address}
inet_protocols = ipv4
myhostname = mx.box.example
mydestination =
mynetworks = 198.18.0.0/24, 127.0.0.0/8
local_recipient_maps =
alias_maps =
alias_database =
relay_domains = {mailbox_domain}, {mms_domain}
relay_recipient_maps =
transport_maps = inline:{{ {mailbox_domain}=lmtp:inet:{lmtp}, {mms_domain}=smtp:[{our_address}]:{our_port} }}
default_transport = error:5.1.1 no route in the test
smtp_host_lookup = native
smtpd_peername_lookup = no
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
default_process_limit = 50
smtpd_tls_security_level = none
message_size_limit = 52428800
mailbox_size_limit = 0
disable_vrfy_command = no
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
"""
MASTER = """\
{address}:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """lmtp and ours are (address, port)."""

    def __init__(self, folder, address, port, mailbox_domain, mms_domain, lmtp, ours):
        self.folder, self.address, self.port = folder, address, port
        self.log = os.path.join(folder, "mail.log")
        os.makedirs(os.path.join(folder, "etc"))
        os.makedirs(os.path.join(folder, "spool"))
        os.makedirs(os.path.join(folder, "data"))
        os.chmod(folder, 0o755)
        owner = pwd.getpwnam("postfix")
        os.chown(os.path.join(folder, "data"), owner.pw_uid, owner.pw_gid)
        values = {"folder": folder, "address": address, "port": port, "mailbox_domain": mailbox_domain, "mms_domain": mms_domain,
                  "lmtp": "%s:%d" % tuple(lmtp), "our_address": ours[0], "our_port": ours[1]}
        for name, text in (("main.cf", MAIN), ("master.cf", MASTER)):
            with open(os.path.join(folder, "etc", name), "w", encoding="ascii") as file:
                file.write(text.format(**values))

    def command(self, *words):
        return subprocess.run(["postfix", "-c", os.path.join(self.folder, "etc")] + list(words), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, check=False)

    def start(self):
        done = self.command("start")
        if done.returncode:
            raise RuntimeError("postfix start: %s" % done.stdout.decode("utf-8", "replace"))

        def answers():
            with socket.create_connection((self.address, self.port), 5) as connection:
                return connection.recv(200).startswith(b"220 ")
        wait_for(answers, 30, lambda: "Postfix to answer: " + self.lines()[-1] if self.lines() else "Postfix to answer")

    def stop(self):
        self.command("stop")

    def lines(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read().splitlines()
        except OSError:
            return []
