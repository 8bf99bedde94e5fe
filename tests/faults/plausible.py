"""Which errors each call is failed with: those that a sound program meets on a sick machine (man 2 and man 3 of each)."""
import errno

ERRORS = {
    "accept": (errno.EMFILE, errno.ECONNABORTED),
    "bind": (errno.EADDRINUSE,),
    "chmod": (errno.EPERM,),
    "chown": (errno.EPERM,),
    "connect": (errno.ECONNREFUSED, errno.ENETUNREACH),
    "dup2": (errno.EBUSY,),
    "epoll_create": (errno.EMFILE,),
    "epoll_ctl": (errno.ENOMEM,),
    "epoll_wait": (errno.EINTR,),
    "eventfd": (errno.EMFILE,),
    "execv": (errno.ENOENT, errno.ENOMEM),
    "fallocate": (errno.ENOSPC, errno.EOPNOTSUPP),
    "fcntl": (errno.EINVAL,),
    "flock": (errno.ENOLCK,),
    "fopen": (errno.EIO, errno.EMFILE),
    "fork": (errno.EAGAIN,),
    "fstat": (errno.EIO,),
    "fsync": (errno.EIO, errno.ENOSPC),
    "ftruncate": (errno.EIO,),
    "getgrnam": (errno.EIO,),
    "getpwnam": (errno.EMFILE,),
    "getrandom": (errno.EINTR, errno.ENOSYS),
    "getsockname": (errno.ENOBUFS,),
    "getsockopt": (errno.ENOBUFS,),
    "initgroups": (errno.ENOMEM,),
    "io_uring fsync": (errno.EBADF,),
    "io_uring write": (errno.EBADF,),
    "io_uring_queue_init": (errno.ENOMEM,),
    "io_uring_register_eventfd": (errno.ENOMEM,),
    "io_uring_submit": (errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ENOMEM),
    "listen": (errno.EADDRINUSE,),
    "mkdir": (errno.ENOSPC,),
    "mmap": (errno.ENOMEM,),
    "open": (errno.EIO, errno.EMFILE),
    "opendir": (errno.EIO, errno.EMFILE),
    "poll": (errno.EINTR, errno.ENOMEM),
    "pthread_create": (errno.EAGAIN,),
    "read": (errno.EIO, errno.EINTR),
    "readdir": (errno.EIO,),
    "recv": (errno.ECONNRESET, errno.EINTR),
    "rename": (errno.ENOSPC,),
    "send": (errno.EPIPE, errno.EINTR, errno.ENOBUFS),
    "setgid": (errno.EPERM,),
    "setgroups": (errno.EPERM,),
    "setresgid": (errno.EPERM,),
    "setresuid": (errno.EAGAIN,),
    "setrlimit": (errno.EPERM,),
    "setsockopt": (errno.ENOBUFS,),
    "setuid": (errno.EAGAIN,),
    "shutdown": (errno.ENOTCONN,),
    "signalfd": (errno.EMFILE,),
    "socket": (errno.EMFILE,),
    "socketpair": (errno.EMFILE,),
    "stat": (errno.EIO,),
    "statvfs": (errno.EIO,),
    "timerfd_create": (errno.EMFILE,),
    "unlink": (errno.EIO,),
    "write": (errno.ENOSPC, errno.EIO, errno.EINTR),
}
# Calls that have no error with the arguments they are given here: sigprocmask, sigaction, prctl and getrlimit are not in the table, and of
# an eventfd's only these are met.
EVENT_ERRORS = (errno.EINTR,)
EVENT_SITES = ("core/wake.h read", "core/wake.h write", "batch_writer.cpp read", "log_writer.cpp write:", "rule_keeper.cpp write")


def errors_of(site, call):
    return EVENT_ERRORS if any(each in site + ":" for each in EVENT_SITES) else ERRORS[call]


# A caller that tries again at once has nothing to say.
SILENT = (errno.EINTR, errno.EAGAIN, errno.EBUSY)


# A library that has another way says nothing, and need not: Asio without a timer's or an event's descriptor, OpenSSL without its
# configuration; or a call that is asked again at once.
QUIET = (
    ("(library)", None, None),
    # c-ares reads the same file that the program has read before.
    ("ares_init_options", None, None),
    ("async_wait", "epoll_ctl", errno.ENOMEM),
    ("getsockname", "epoll_ctl", errno.ENOMEM),
    # SQLite looks again by other means, or closes what it had and the errno with it; the program says its words and ends.
    ("sqlite.cpp", "stat", errno.EIO),
    ("sqlite.cpp sqlite3_exec", "open", None),
    # /dev/urandom, for marks in its log that need only differ: without it SQLite takes time and pid.
    ("sqlite.cpp sqlite3_step", "open", None),
    # glibc and the modules of its name service have several places to look in.
    ("core/accounts.cpp", None, None),
    *(("core/privileges.cpp initgroups", call, None) for call in ERRORS if call != "initgroups"),
    # It is there already, or the other way is taken.
    ("make_folders", "mkdir", errno.ENOSPC),
    ("storage.allocate", "fallocate", errno.EOPNOTSUPP),
    # What a peer or the network does is in its item's history; of a stranger's connection nobody wants a line.
    ("tcp/kernel.cpp", None, errno.ECONNRESET),
    ("tcp/kernel.cpp", None, errno.EPIPE),
    ("tcp/kernel.cpp", None, errno.ECONNREFUSED),
    ("tcp/kernel.cpp", None, errno.ENETUNREACH),
    ("tcp/kernel.cpp shutdown", None, errno.ENOTCONN),
    # A log that cannot be written stops nothing, and has nowhere to say so.
    ("core/log.cpp", None, None),
    ("core/log_writer.cpp", None, None),
    ("async_accept", "accept", errno.ECONNABORTED),
    ("accept4", "accept", errno.ECONNABORTED),
)


# An SMS of which nobody knows whether it arrived waits for two minutes: too long for a sample.
SLOW = "smpp_session.cpp async_write"


def is_quiet(site, call, error):
    """Whether nobody has anything to say."""
    return error in SILENT or any(place in site and wanted in (None, call) and number in (None, error) for place, wanted, number in QUIET)
