"""Reads the lines of the conformance_samples program."""
import subprocess


def read(program, kind):
    """Returns name -> bytes in the program's order."""
    lines = subprocess.run([program, kind], check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
    found = {}
    for line in lines:
        name, digits = line.split("\t")
        found[name] = bytes.fromhex(digits)
    return found
