"""Models: layers joined into graphs that run on data."""

from maskgraph.models.inputs import Input as Input
from maskgraph.models.model import Model as Model
from maskgraph.models.sequential import Sequential as Sequential
