"""Backends: the protocol, how plugins are found, and which one is in use."""

from maskgraph.backend.current import current as current
from maskgraph.backend.current import load as load
from maskgraph.backend.current import of as of
from maskgraph.backend.current import use_backend as use_backend
from maskgraph.backend.plugins import BrokenPlugin as BrokenPlugin
from maskgraph.backend.plugins import Plugin as Plugin
from maskgraph.backend.plugins import backend_class as backend_class
from maskgraph.backend.plugins import find as find
from maskgraph.backend.plugins import owner as owner
from maskgraph.backend.plugins import plugins as plugins
from maskgraph.backend.protocol import Array as Array
from maskgraph.backend.protocol import Backend as Backend
from maskgraph.backend.status import Status as Status
from maskgraph.backend.status import status_of as status_of
from maskgraph.backend.status import statuses as statuses
