"""What can be checked for leaks: anybody's models, each behind the same few methods.

Nothing here imports a framework: a model that is given has imported its own.
"""

from maskgraph.testing.leaks.subjects.choose import subject_for as subject_for
from maskgraph.testing.leaks.subjects.subject import Feed as Feed
from maskgraph.testing.leaks.subjects.subject import Filler as Filler
from maskgraph.testing.leaks.subjects.subject import Gradient as Gradient
from maskgraph.testing.leaks.subjects.subject import NodeRun as NodeRun
from maskgraph.testing.leaks.subjects.subject import Subject as Subject
