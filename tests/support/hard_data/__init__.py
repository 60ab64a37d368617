"""Everything a page can show, under names that are hard to show: signs without a shape, or very long.

The queues are real ones of a broker. `filled` makes one row of everything that an address can name: `World` has
what stands for each argument of one.
"""

from tests.support.hard_data.asked import addresses as addresses
from tests.support.hard_data.filling import filled as filled
from tests.support.hard_data.names import UNSEEN as UNSEEN
from tests.support.hard_data.names import long as long
from tests.support.hard_data.names import unseen as unseen
from tests.support.hard_data.world import World as World
