"""For those who test models, layers and backends: the law, parity, leaks, the conformance suite.

`pytest --pyargs maskgraph.testing --backend NAME` says whether a backend is done.
"""

from typing import TYPE_CHECKING

from maskgraph import lazy

if TYPE_CHECKING:
    from maskgraph.testing.law import check_law as check_law
    from maskgraph.testing.leaks import Leak as Leak
    from maskgraph.testing.leaks import LeakReport as LeakReport
    from maskgraph.testing.leaks import check_leaks as check_leaks
    from maskgraph.testing.parity import check_parity as check_parity
    from maskgraph.testing.parity_report import Parity as Parity
else:
    __getattr__, __dir__ = lazy.attach(
        __name__,
        {
            "Leak": "leaks",
            "LeakReport": "leaks",
            "Parity": "parity_report",
            "check_law": "law",
            "check_leaks": "leaks",
            "check_parity": "parity",
        },
    )
