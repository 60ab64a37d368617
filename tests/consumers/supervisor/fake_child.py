"""A stand-in for a consumer process: does what its first argument says. Says "ready" once it can be judged."""

import os
import signal
import subprocess
import sys


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


what = sys.argv[1]
if what == "crash":
    say("ready\nno luck today")
    os._exit(7)
if what == "binary":
    say("ready\n\0no\0 luck")
    os._exit(7)
if what == "misconfigured":
    os._exit(3)
if what == "stubborn":  # with a child of its own, which must not outlive it
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"])
    say(f"child {child.pid}")
elif what != "importing":  # that is not ready for signals yet
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
say("ready")
while True:
    signal.pause()
