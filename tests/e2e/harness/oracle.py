"""Judges that know nothing of us: tshark's dissectors for MMS and SMPP, xmllint with a schema for the body of SubmitReq.

A judge that is not installed fails the test: a check that did not run has not passed.
"""
import email
import glob
import os
import re
import subprocess
import tempfile

from lxml import etree

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.wap.mms-message\r\nContent-Length: %d\r\n\r\n"
# One captured packet holds less than 64 KiB, so larger HTTP bodies go as several TCP segments.
SEGMENT = 60000


def dump(packets):
    out = []
    for packet in packets:
        for at in range(0, len(packet), 16):
            out.append("%06x %s" % (at, packet[at:at + 16].hex(" ")))
        out.append("")
    return "\n".join(out) + "\n"


def tshark(world, packets, ports, *arguments):
    """tshark's words about bytes sent in TCP packets between two ports."""
    with tempfile.TemporaryDirectory(dir=world.folder) as folder:
        text, capture = os.path.join(folder, "x.txt"), os.path.join(folder, "x.pcap")
        with open(text, "w", encoding="ascii") as file:
            file.write(dump(packets))
        subprocess.run(["text2pcap", "-q", "-T", ports, text, capture], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return subprocess.run(["tshark", "-r", capture] + list(arguments), check=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=dict(os.environ, HOME=folder)).stdout.decode("utf-8", "replace")


def check_retrieve_conf(world, pdu):
    """One M-Retrieve.conf as an HTTP body: dissected as MMS to its end, and nothing malformed."""
    whole = HEAD % len(pdu) + pdu
    packets = [whole[at:at + SEGMENT] for at in range(0, len(whole), SEGMENT)]
    words = tshark(world, packets, "80,49152", "-T", "fields", "-e", "mmse.message_type", "-e", "_ws.malformed")
    if words.split() != ["0x84"]:
        raise AssertionError("tshark on M-Retrieve.conf of %d bytes: %r" % (len(pdu), words))


def check_smpp(world, pdus):
    """SMPP PDUs, one a packet: every one dissected, none malformed."""
    packets = [pdu for pdu in pdus if len(pdu) < SEGMENT]
    assert packets, "no SMPP PDU was seen"
    words = tshark(world, packets, "49152,2775", "-T", "fields", "-e", "smpp.command_id", "-e", "_ws.malformed")
    lines = words.splitlines()
    bad = [(packets[index].hex(), line) for index, line in enumerate(lines) if not re.fullmatch(r"(0x[0-9a-f]{8},?)+\s*", line)]
    if len(lines) != len(packets) or bad:
        raise AssertionError("tshark on %d SMPP PDUs: %d lines, bad: %r" % (len(packets), len(lines), bad[:3]))


def check_submit_bodies(world):
    """Every SubmitReq that the MMSC got: its body against the schema."""
    schema = os.path.join(os.path.dirname(os.path.abspath(__file__)), "submit_req.xsd")
    names = glob.glob(os.path.join(world.mmsc_settings["folder"], "submit-*.body"))
    assert names, "no SubmitReq was captured"
    for name in names:
        with open(name, "rb") as file, open(name[:-5] + ".type", "rb") as kind:
            whole = email.message_from_bytes(b"Content-Type: " + kind.read().strip() + b"\r\n\r\n" + file.read())
        soap = whole.get_payload()[0] if whole.is_multipart() else whole
        message = etree.fromstring(soap.get_payload(decode=True)).find("{http://schemas.xmlsoap.org/soap/envelope/}Body")[0]
        done = subprocess.run(["xmllint", "--noout", "--nonet", "--schema", schema, "-"], input=etree.tostring(message),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            raise AssertionError("%s: %s\n%s" % (name, done.stdout.decode(), etree.tostring(message).decode()))
