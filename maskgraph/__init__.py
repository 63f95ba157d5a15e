"""maskgraph: sequence models in which a masked step does not exist, on every backend."""

from typing import TYPE_CHECKING

from maskgraph import lazy

__version__ = "0.1.0"

if TYPE_CHECKING:
    from maskgraph import backend as backend
    from maskgraph import errors as errors
    from maskgraph import layers as layers
    from maskgraph import losses as losses
    from maskgraph import metrics as metrics
    from maskgraph import ops as ops
    from maskgraph import testing as testing
    from maskgraph import utils as utils
    from maskgraph.backend import use_backend as use_backend
    from maskgraph.errors import MaskgraphError as MaskgraphError
    from maskgraph.errors import MaskLossWarning as MaskLossWarning
    from maskgraph.graph import SymbolicTensor as SymbolicTensor
    from maskgraph.layers import Layer as Layer
    from maskgraph.masks import Mask as Mask
    from maskgraph.masks import MaskedTensor as MaskedTensor
    from maskgraph.models import Input as Input
    from maskgraph.models import Model as Model
    from maskgraph.models import Sequential as Sequential
else:
    __getattr__, __dir__ = lazy.attach(
        __name__,
        {
            "backend": "backend",
            "errors": "errors",
            "layers": "layers",
            "losses": "losses",
            "metrics": "metrics",
            "ops": "ops",
            "testing": "testing",
            "utils": "utils",
            "use_backend": "backend",
            "MaskgraphError": "errors",
            "MaskLossWarning": "errors",
            "SymbolicTensor": "graph",
            "Layer": "layers",
            "Mask": "masks",
            "MaskedTensor": "masks",
            "Input": "models",
            "Model": "models",
            "Sequential": "models",
        },
    )
