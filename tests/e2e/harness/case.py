"""The frame of one end-to-end test: arguments, namespace, world, and the logs when it fails."""
import argparse
import os
import sys
import traceback

from harness import namespace


def run(test, describe, options=(), prepare=None, **world_options):
    """Calls test(world, arguments) in a world of its own and ends the process: 0 passed, 1 failed.

    options: (name, default, help) of further arguments, numbers or texts by their default. prepare(arguments), called inside the namespace,
    gives further options of the world, which the test starts itself then.
    """
    parser = argparse.ArgumentParser(description=describe)
    parser.add_argument("--build", default=os.environ.get("PUSHMAIL_BUILD", "build/dev"))
    parser.add_argument("--link", choices=("dpdk", "kernel"), default="kernel")
    for name, default, text in options:
        parser.add_argument("--" + name, type=type(default), default=default, help=text)
    arguments = parser.parse_args()
    namespace.enter()
    from harness.world import World
    if prepare:
        world_options.update(prepare(arguments))
    world = World(arguments.build, arguments.link, **world_options)
    code = 1
    try:
        if not prepare:
            world.start()
        test(world, arguments)
        print("passed")
        code = 0
    except Exception:  # whatever it was, the logs are wanted
        traceback.print_exc()
        print(world.words_of_failure(), flush=True)
    finally:
        world.stop()
    sys.exit(code)


def check(condition, text):
    """An assertion that says what it expected."""
    if not condition:
        raise AssertionError(text)


def equal(got, wanted, what):
    if got != wanted:
        def short(value):
            return repr(value) if len(repr(value)) < 400 else repr(value)[:400] + "... (%d)" % len(value)
        raise AssertionError("%s: got %s, wanted %s" % (what, short(got), short(wanted)))
