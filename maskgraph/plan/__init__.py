"""From the graph to a flat list of backend calls."""

from maskgraph.plan.lowering import lower as lower
from maskgraph.plan.plan import Plan as Plan
from maskgraph.plan.plan import Program as Program
from maskgraph.plan.step_body import StepBody as StepBody
