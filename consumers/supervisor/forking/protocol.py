"""What the supervisor and the process that it has warmed say to each other: JSON, a message a packet.

The warmed one speaks first: `unfit`, why nothing can be forked from it ("": it can), and `unsure`, a file that
was changed while it was loaded. It is asked `{}` and answers with `unfit` and `changed`, a file that is not
what it was. It is asked for a fork with `arguments`, `variable`, `mark` and two descriptors: the output, and
one end of a pair of sockets. It answers {"forked": true} when the new process has become the supervisor's
child. That one says its pid on the pair, and waits for GO: one that the supervisor gave up on, or had no time
to note, ends there, so no process runs that nobody knows of.
"""

from __future__ import annotations

MESSAGE_MAX = 64 * 1024
GO = b"1"
PADDING = 600  # characters of a command line that there is room for
