"""Static passes over a model's graph: checks and summaries. They need no data."""

from maskgraph.passes.check import check as check
from maskgraph.passes.check import report_losses as report_losses
from maskgraph.passes.findings import CODES as CODES
from maskgraph.passes.findings import Finding as Finding
from maskgraph.passes.findings import Report as Report
from maskgraph.passes.findings import Row as Row
from maskgraph.passes.summary import summarize as summarize
