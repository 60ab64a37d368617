"""The API's calls for what a broker is made of besides its queues: a router a noun."""

from __future__ import annotations

from ninja import Router

from mqadmin.administration.bindings import api as bindings
from mqadmin.administration.connections import api as connections
from mqadmin.administration.exchanges import api as exchanges
from mqadmin.administration.federation import api as federation
from mqadmin.administration.flags import api as flags
from mqadmin.administration.limits import api as limits
from mqadmin.administration.members import api as members
from mqadmin.administration.nodes import api as nodes
from mqadmin.administration.parameters import api as parameters
from mqadmin.administration.permissions import api as permissions
from mqadmin.administration.policies import api as policies
from mqadmin.administration.publishing import api as publishing
from mqadmin.administration.shovels import api as shovels
from mqadmin.administration.upkeep import api as upkeep
from mqadmin.administration.users import api as users
from mqadmin.administration.vhosts import api as vhosts

router = Router()
for part in (
    exchanges,
    publishing,
    bindings,
    connections,
    vhosts,
    users,
    permissions,
    limits,
    policies,
    parameters,
    shovels,
    federation,
    nodes,
    members,
    flags,
    upkeep,
):
    router.add_router("", part.router)
