"""The leak detector: what reads the padding in anybody's model."""

from maskgraph.testing.leaks.check import check_leaks as check_leaks
from maskgraph.testing.leaks.report import Leak as Leak
from maskgraph.testing.leaks.report import LeakReport as LeakReport
