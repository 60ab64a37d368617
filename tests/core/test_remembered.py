"""What a process remembers."""

from __future__ import annotations

import threading

from mqadmin.core.remembered import Remembered


def test_of_those_who_ask_at_the_same_moment_one_makes_it() -> None:
    known: Remembered[int] = Remembered(10)
    begun, go_on, made, got = threading.Event(), threading.Event(), [], []

    def make() -> int:
        made.append(1)
        begun.set()
        assert go_on.wait(10)
        return 7

    threads = [
        threading.Thread(target=lambda: got.append(known.made("key", make)), daemon=True)
        for _number in range(4)
    ]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert (len(made), got) == (1, [7] * 4)
