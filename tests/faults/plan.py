"""The runner's half of the page that it shares with the shim in each program (plan.h has the layout)."""
import ctypes
import mmap
import os

MAGIC = 0x70666c74
FRAMES_MAX, SEEN_MAX, NAME_MAX, OFFSETS_MAX = 24, 8192, 32, 64


class Seen(ctypes.Structure):
    _fields_ = [("call", ctypes.c_char * NAME_MAX), ("phases", ctypes.c_uint32), ("frame_count", ctypes.c_uint32),
                ("frames", ctypes.c_uint32 * FRAMES_MAX)]


class Layout(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_uint32), ("recording", ctypes.c_uint32), ("phase", ctypes.c_uint32), ("error", ctypes.c_uint32),
                ("armed", ctypes.c_int32), ("hits", ctypes.c_uint32), ("lock", ctypes.c_uint32), ("seen_count", ctypes.c_uint32),
                ("call", ctypes.c_char * NAME_MAX), ("offset_count", ctypes.c_uint32), ("hit_process", ctypes.c_uint32),
                ("offsets", ctypes.c_uint32 * OFFSETS_MAX), ("seen", Seen * SEEN_MAX)]


class Page:
    """One program's page, as a file that any user may write: the program drops its rights."""

    def __init__(self, folder, program):
        # What the kernel says of a process, and so the shim's program_invocation_short_name, is the whole name.
        self.path = os.path.join(folder, program)
        with open(self.path, "wb") as file:
            file.truncate(ctypes.sizeof(Layout))
        os.chmod(self.path, 0o666)
        with open(self.path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), ctypes.sizeof(Layout))
        self.layout = Layout.from_buffer(self.map)
        self.layout.magic = MAGIC

    def record(self, phase):
        self.layout.phase = phase
        self.layout.recording = 1

    def seen(self):
        """(call, phases, frames) of each way to a call; the recording ends."""
        self.layout.recording = 0
        return [(entry.call.decode("ascii"), entry.phases, tuple(entry.frames[:entry.frame_count]))
                for entry in self.layout.seen[:self.layout.seen_count]]

    def arm(self, call, offsets, error):
        """The next such call fails, once."""
        self.disarm()
        self.layout.hits = 0
        self.layout.call = call.encode("ascii")
        self.layout.error = error
        for at, offset in enumerate(offsets[:OFFSETS_MAX]):
            self.layout.offsets[at] = offset
        self.layout.offset_count = min(len(offsets), OFFSETS_MAX)
        self.layout.armed = 1

    def disarm(self):
        """-> how many calls failed since it was armed."""
        self.layout.armed = 0
        return self.layout.hits
