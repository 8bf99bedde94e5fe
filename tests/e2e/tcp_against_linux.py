#!/usr/bin/python3
"""Our TCP on net_tap against the Linux kernel, through a router that drops 1 % of the frames in its forward chain.

  client namespace (Linux) -- veth -- router namespace (nftables) -- tap -- stream_peer (DPDK, our TCP)

Both sides serve and connect. A drop in a sender's own OUTPUT hook would come back to it as an error and be no loss, hence the router.
The rule's own counter shows that frames were really dropped.

Usage: tcp_against_linux.py STREAM_PEER [--loss PERCENT] [--rounds N]
"""
import argparse
import ctypes
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import zlib

from harness.isolate import isolate

SIZE = 300 * 1024
MAC_KERNEL_END = "02:00:00:00:01:01"
MAC_OURS = "02:00:00:00:01:02"


def pattern(size):
    return bytes(((i * 2654435761) & 0xFFFFFFFF) >> 24 for i in range(size))


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Namespaces:
    """Client and router namespaces with names of their own, removed at the end."""

    def __init__(self, loss_percent):
        tag = f"{os.getpid():x}"
        self.client, self.router = f"pm-c-{tag}", f"pm-r-{tag}"
        self.tap = f"pmt{tag}"[:15]
        self.loss_percent = loss_percent

    def inside(self, namespace, *command):
        return run("ip", "netns", "exec", namespace, *command)

    def __enter__(self):
        run("ip", "netns", "add", self.client)
        run("ip", "netns", "add", self.router)
        run("ip", "link", "add", "up0", "netns", self.client, "type", "veth", "peer", "name", "down0", "netns", self.router)
        self.inside(self.client, "ip", "addr", "add", "198.18.1.2/24", "dev", "up0")
        self.inside(self.router, "ip", "addr", "add", "198.18.1.1/24", "dev", "down0")
        # The tap is made first and kept: it has its address, route and MAC whether or not a process is attached.
        self.inside(self.router, "ip", "tuntap", "add", "dev", self.tap, "mode", "tap", "multi_queue")
        self.inside(self.router, "ip", "link", "set", self.tap, "address", MAC_KERNEL_END)
        self.inside(self.router, "ip", "addr", "add", "198.18.2.1/24", "dev", self.tap)
        for namespace, device in ((self.client, "up0"), (self.router, "down0"), (self.router, self.tap)):
            subprocess.run(("ip", "netns", "exec", namespace, "ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off", "tx", "off"),
                           capture_output=True, check=False)
            self.inside(namespace, "ip", "link", "set", device, "up")
        self.inside(self.client, "ip", "link", "set", "lo", "up")
        self.inside(self.client, "ip", "route", "add", "default", "via", "198.18.1.1")
        self.inside(self.router, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        rules = f"""table ip loss {{
  chain forward {{
    type filter hook forward priority 0; policy accept;
    numgen random mod 1000 < {round(self.loss_percent * 10)} counter drop
  }}
}}
"""
        if self.loss_percent > 0:
            subprocess.run(("ip", "netns", "exec", self.router, "nft", "-f", "-"), input=rules, text=True, check=True)
        return self

    def dropped(self):
        text = self.inside(self.router, "nft", "list", "ruleset")
        match = re.search(r"counter packets (\d+)", text)
        return int(match.group(1)) if match else 0

    def __exit__(self, *_):
        for namespace in (self.client, self.router):
            subprocess.run(("ip", "netns", "del", namespace), check=False, capture_output=True)


def in_namespace(name):
    """The calling thread enters the namespace; sockets it makes are there."""
    clone_newnet = 0x40000000
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{name}", "rb") as handle:
        if libc.setns(handle.fileno(), clone_newnet) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def read_exactly(connection, size):
    chunks = []
    while size:
        chunk = connection.recv(min(size, 1 << 16))
        if not chunk:
            raise ConnectionError(f"{size} bytes missing")
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def client_exchange(address, upload, download):
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(upload.__len__().to_bytes(8, "big") + download.to_bytes(8, "big") + upload)
        crc = int.from_bytes(read_exactly(connection, 4), "big")
        body = read_exactly(connection, download)
        assert connection.recv(1) == b"", "bytes after the end"
        assert crc == zlib.crc32(upload), "the upload arrived changed"
        assert body == pattern(download), "the download arrived changed"


def serve(listener, rounds, failures):
    try:
        for _ in range(rounds):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(60)
                head = read_exactly(connection, 16)
                upload = read_exactly(connection, int.from_bytes(head[:8], "big"))
                connection.sendall(zlib.crc32(upload).to_bytes(4, "big") + pattern(int.from_bytes(head[8:], "big")))
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(1) == b""
    except (AssertionError, OSError) as error:
        failures.append(error)


def write_root(folder, tap):
    etc = folder / "etc/pushmail"
    etc.mkdir(parents=True)
    (etc / "pushmail.toml").write_text(f"""domain = "test.example"
[notify]
smsc = "127.0.0.1:1"
source = "1"
[link]
kind = "dpdk"
address = "198.18.2.2/24"
gateway = "198.18.2.1"
mac = "{MAC_OURS}"
vdev = "net_tap0,iface={tap},mac={MAC_KERNEL_END}"
memory = "256MiB"
""")


def main():
    isolate()
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--loss", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pm-", dir="/run"))
    processes = []
    try:
        with Namespaces(options.loss) as spaces:
            write_root(folder, spaces.tap)
            environment = dict(os.environ, RUNTIME_DIRECTORY=str(folder))

            def start(*arguments):
                process = subprocess.Popen(("ip", "netns", "exec", spaces.router, program, "--root", str(folder), *arguments),
                                           stdout=subprocess.PIPE, text=True, env=environment)
                processes.append(process)
                return process

            server = start("listen", "198.18.2.2:7000")
            for line in server.stdout:
                if json.loads(line)["event"] == "ready":
                    break
            failures = []

            def clients():
                try:
                    in_namespace(spaces.client)
                    for number in range(options.rounds):
                        size = SIZE if number % 2 == 0 else random.randint(0, SIZE)
                        client_exchange(("198.18.2.2", 7000), random.randbytes(size), SIZE)
                except (AssertionError, OSError) as error:
                    failures.append(error)

            worker = threading.Thread(target=clients)
            worker.start()
            worker.join()
            server.terminate()
            tail = server.communicate(timeout=30)[0].splitlines()
            assert not failures, failures
            print(tail[-1])

            listener_ready = threading.Event()

            def listen():
                in_namespace(spaces.client)
                with socket.create_server(("198.18.1.2", 7001)) as listener:
                    listener.settimeout(60)
                    listener_ready.set()
                    serve(listener, options.rounds, failures)

            worker = threading.Thread(target=listen)
            worker.start()
            listener_ready.wait()
            for _ in range(options.rounds):
                client = start("connect", "198.18.1.2:7001", str(SIZE), str(SIZE))
                output = client.communicate(timeout=120)[0]
                assert client.returncode == 0, output
            worker.join()
            assert not failures, failures
            dropped = spaces.dropped()
            print(json.dumps({"event": "router", "dropped": dropped, "loss_percent": options.loss}))
            assert options.loss == 0 or dropped > 0, "no frame was dropped: this proved nothing"
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
