"""What ten thousand queues look like to the monitor over months: made up, the same at each run.

Of the busy queues every number changes at each sample. The others rest, but for a burst of a minute some times a
day, after which they are as before; a tenth of them holds messages that wait ever longer. All of it goes with the
hour of the day: at night there is a fifth of what there is at noon. Three nodes and the broker's totals change at
each sample.
"""

from __future__ import annotations

import math
import random

from mqadmin.history.kinds import BROKER, coarse
from mqadmin.history.recording import Key, Raw

BURSTS = 4  # a day, of each queue that is not busy
BURST_S = 60
WAITING = 10  # one of so many holds messages that nobody takes
_DAY_S = 86_400
_NOISE = 5003  # more than the busy ones take at once


class Traffic:
    """Samples in the order of time, beginning at `since` (epoch seconds)."""

    def __init__(self, queues: int, busy: int, since: int) -> None:
        self._dice = random.Random(1)
        self._since = since
        if 4 * busy > _NOISE:
            raise ValueError(f"at most {_NOISE // 4} busy queues")
        self.busy = [_queue(f"busy.{number}") for number in range(busy)]
        self._others = [_queue(f"quiet.{number}") for number in range(queues - busy)]
        self._depth = [1000.0] * busy
        self._rests: dict[Key, Raw] = {
            key: (number % 7, 0, 1, 0.0, 0.0, 0.0, None, 0) for number, key in enumerate(self._others)
        }
        # Their messages came on any day of the ninety.
        waiting = self._others[::WAITING]
        self._waits = {key: since + self._dice.randrange(90 * _DAY_S) for key in waiting}
        self._grows = dict(self._waits)  # when the coarse number may be another
        self._noise = [self._dice.gauss(0, 1) for _place in range(_NOISE)]
        self._nodes = [Key("node", "", f"rabbit@node{number}") for number in range(3)]
        self._sample = dict(self._rests)

    def sample(self, at: int, every: int) -> dict[Key, Raw]:
        """Return what the broker says at a moment, `every` seconds after the last one."""
        rhythm = 0.6 - 0.4 * math.cos(2 * math.pi * at / _DAY_S)
        self._wait(at)
        found = dict(self._sample)
        self._burst(found, every, rhythm)
        rates = self._work(found, rhythm)
        ready = round(sum(self._depth))
        totals = (ready, 500, 2000, rates, rates, rates, 0.2)
        found[Key("broker", "", "")] = (*totals, *(self._dice.randrange(90),) * (len(BROKER) - len(totals)))
        for node in self._nodes:
            memory, disk = self._dice.randrange(9 * 10**8, 10**9), 10**11 - at % 10**9
            found[node] = (
                memory,
                disk,
                self._dice.randrange(900, 999),
                900,
                self._dice.randrange(9000, 9999),
            )
        return found

    def _wait(self, at: int) -> None:
        for key, grows in self._grows.items():
            if at >= grows:
                waited = at - self._waits[key]
                self._sample[key] = (*self._rests[key][:-1], coarse(waited))
                self._grows[key] = at + max(5, waited // 40)

    def _burst(self, found: dict[Key, Raw], every: int, rhythm: float) -> None:
        """Have some of the others say something else at this moment. One that lasts a minute is seen in as many
        samples, each with other numbers."""
        seen = max(1, BURST_S // every)
        expected = len(self._others) * BURSTS * every / _DAY_S * seen * rhythm / 0.6
        count = int(expected) + (self._dice.random() < expected % 1)
        for key in self._dice.sample(self._others, min(count, len(self._others))):
            rate = round(self._dice.uniform(0.2, 30), 2)
            ready = self._dice.randrange(200)
            found[key] = (ready, self._dice.randrange(20), 1, rate, rate, rate, None, found[key][-1])

    def _work(self, found: dict[Key, Raw], rhythm: float) -> float:
        # Drawing two thousand numbers at each sample would take longer than what is measured.
        start = self._dice.randrange(_NOISE)
        noise = self._noise[start:] + self._noise[:start]
        total = 0.0
        for place, key in enumerate(self.busy):
            one, two, three, four = noise[4 * place : 4 * place + 4]
            self._depth[place] = depth = max(0.0, self._depth[place] + 40 * one * rhythm)
            rate = abs(60 + 8 * two) * rhythm
            total += rate
            lag = coarse(abs(40 + 20 * three))
            unacked, redelivered = int(abs(20 * four)), abs(four)
            rates = (round(rate, 2), round(rate + four, 2), round(rate + one, 2), round(redelivered, 2))
            found[key] = (round(depth), unacked, 4, *rates, lag)
        return round(total, 2)


def _queue(name: str) -> Key:
    return Key("queue", "/", name)
