"""Consumer definitions, the processes that run them, and the record of every message handled."""

from consumers.models.definition import Consumer as Consumer
from consumers.models.event import ConsumerEvent as ConsumerEvent
from consumers.models.event import ScalePoint as ScalePoint
from consumers.models.handled import HandledKey as HandledKey
from consumers.models.handled import Suspect as Suspect
from consumers.models.process import ConsumerProcess as ConsumerProcess
from consumers.models.process import SupervisorHost as SupervisorHost
from consumers.models.record import ConsumerMinute as ConsumerMinute
from consumers.models.record import Record as Record
