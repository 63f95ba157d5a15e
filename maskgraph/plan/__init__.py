"""From the graph to a flat list of backend calls."""

from maskgraph.plan.layout import LAYOUTS as LAYOUTS
from maskgraph.plan.layout import LayoutPlan as LayoutPlan
from maskgraph.plan.layout import check_layout as check_layout
from maskgraph.plan.plan import Plan as Plan
from maskgraph.plan.plan import Program as Program
from maskgraph.plan.programs import Plans as Plans
from maskgraph.plan.programs import Programs as Programs
from maskgraph.plan.step_body import StepBody as StepBody
