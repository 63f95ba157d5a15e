"""The graph: symbolic tensors, the nodes that make them, and the weights they use."""

from maskgraph.graph.effects import Effects as Effects
from maskgraph.graph.effects import collected as collected
from maskgraph.graph.effects import current_effects as current_effects
from maskgraph.graph.expression import describe as describe
from maskgraph.graph.location import Location as Location
from maskgraph.graph.scope import Scope as Scope
from maskgraph.graph.scope import current_scope as current_scope
from maskgraph.graph.scope import entered as entered
from maskgraph.graph.seeds import next_entropy as next_entropy
from maskgraph.graph.seeds import set_random_seed as set_random_seed
from maskgraph.graph.structure import build_graph as build_graph
from maskgraph.graph.structure import check_acyclic as check_acyclic
from maskgraph.graph.structure import nodes_between as nodes_between
from maskgraph.graph.symbol import Dim as Dim
from maskgraph.graph.symbol import Node as Node
from maskgraph.graph.symbol import Shape as Shape
from maskgraph.graph.symbol import Source as Source
from maskgraph.graph.symbol import Spec as Spec
from maskgraph.graph.symbol import SymbolicTensor as SymbolicTensor
from maskgraph.graph.symbol import masked_source as masked_source
from maskgraph.graph.symbol import source as source
from maskgraph.graph.symbol import symbols_in as symbols_in
from maskgraph.graph.tree import leaves as leaves
from maskgraph.graph.tree import map_tree as map_tree
from maskgraph.graph.tree import unflatten as unflatten
from maskgraph.graph.weight import Weight as Weight
