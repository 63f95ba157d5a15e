"""Losses in which a masked step does not exist: Keras's names, on symbols and on data.

A class is called on labels and predictions and reduces the losses of all steps that exist; the
function of the same name gives the loss of each step.
"""

from maskgraph.losses.alignment import CTC as CTC
from maskgraph.losses.alignment import ctc as ctc
from maskgraph.losses.base import Loss as Loss
from maskgraph.losses.binary import BinaryCrossentropy as BinaryCrossentropy
from maskgraph.losses.binary import BinaryFocalCrossentropy as BinaryFocalCrossentropy
from maskgraph.losses.binary import binary_crossentropy as binary_crossentropy
from maskgraph.losses.binary import binary_focal_crossentropy as binary_focal_crossentropy
from maskgraph.losses.crossentropy import CategoricalCrossentropy as CategoricalCrossentropy
from maskgraph.losses.crossentropy import (
    SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
)
from maskgraph.losses.crossentropy import categorical_crossentropy as categorical_crossentropy
from maskgraph.losses.crossentropy import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from maskgraph.losses.divergence import KLDivergence as KLDivergence
from maskgraph.losses.divergence import Poisson as Poisson
from maskgraph.losses.divergence import kl_divergence as kl_divergence
from maskgraph.losses.divergence import poisson as poisson
from maskgraph.losses.margins import CategoricalHinge as CategoricalHinge
from maskgraph.losses.margins import Hinge as Hinge
from maskgraph.losses.margins import SquaredHinge as SquaredHinge
from maskgraph.losses.margins import categorical_hinge as categorical_hinge
from maskgraph.losses.margins import hinge as hinge
from maskgraph.losses.margins import squared_hinge as squared_hinge
from maskgraph.losses.regression import CosineSimilarity as CosineSimilarity
from maskgraph.losses.regression import Huber as Huber
from maskgraph.losses.regression import LogCosh as LogCosh
from maskgraph.losses.regression import MeanAbsoluteError as MeanAbsoluteError
from maskgraph.losses.regression import MeanSquaredError as MeanSquaredError
from maskgraph.losses.regression import cosine_similarity as cosine_similarity
from maskgraph.losses.regression import huber as huber
from maskgraph.losses.regression import log_cosh as log_cosh
from maskgraph.losses.regression import mean_absolute_error as mean_absolute_error
from maskgraph.losses.regression import mean_squared_error as mean_squared_error
from maskgraph.losses.relative import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from maskgraph.losses.relative import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from maskgraph.losses.relative import (
    mean_absolute_percentage_error as mean_absolute_percentage_error,
)
from maskgraph.losses.relative import (
    mean_squared_logarithmic_error as mean_squared_logarithmic_error,
)
