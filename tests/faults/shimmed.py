"""A world of the end-to-end tests whose programs have the shim loaded."""
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
import harness.world  # noqa: E402
from flow import PROGRAMS  # noqa: E402
from harness import case  # noqa: E402
from plan import Page  # noqa: E402


class Shimmed(harness.world.World):
    """`pages`: by program, what its shim does next."""

    def __init__(self, build, link="kernel", **options):
        super().__init__(build, link, **options)
        self.shim = os.path.realpath(os.path.join(build, "tests", "faults", "libfaults_shim.so"))
        self.faults = self.make_folder("faults", 0o755)
        self.pages = {name: Page(self.faults, name) for name in PROGRAMS}

    def pushmail(self, name):
        program = super().pushmail(name)
        program.environment = {"LD_PRELOAD": self.shim, "PUSHMAIL_FAULTS": self.faults}
        return program


def run(test, describe, options, **world_options):
    """As case.run, in such a world. The MMSC knows a TransactionID again, so what comes twice is our fault."""
    harness.world.World = Shimmed
    case.run(test, describe, options=options, mmsc={"dedup": True}, peer={"deduplicates": True}, **world_options)
