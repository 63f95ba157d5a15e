"""Metrics in which a masked step does not exist: Keras's names, on data of every backend."""

from maskgraph.metrics.accuracy import Accuracy as Accuracy
from maskgraph.metrics.accuracy import BinaryAccuracy as BinaryAccuracy
from maskgraph.metrics.accuracy import CategoricalAccuracy as CategoricalAccuracy
from maskgraph.metrics.accuracy import SparseCategoricalAccuracy as SparseCategoricalAccuracy
from maskgraph.metrics.accuracy import (
    SparseTopKCategoricalAccuracy as SparseTopKCategoricalAccuracy,
)
from maskgraph.metrics.accuracy import TopKCategoricalAccuracy as TopKCategoricalAccuracy
from maskgraph.metrics.area import AUC as AUC
from maskgraph.metrics.base import Metric as Metric
from maskgraph.metrics.confusion import Precision as Precision
from maskgraph.metrics.confusion import Recall as Recall
from maskgraph.metrics.counts import FalseNegatives as FalseNegatives
from maskgraph.metrics.counts import FalsePositives as FalsePositives
from maskgraph.metrics.counts import TrueNegatives as TrueNegatives
from maskgraph.metrics.counts import TruePositives as TruePositives
from maskgraph.metrics.explained import R2Score as R2Score
from maskgraph.metrics.f_score import F1Score as F1Score
from maskgraph.metrics.f_score import FBetaScore as FBetaScore
from maskgraph.metrics.iou import BinaryIoU as BinaryIoU
from maskgraph.metrics.iou import IoU as IoU
from maskgraph.metrics.iou import MeanIoU as MeanIoU
from maskgraph.metrics.margins import CategoricalHinge as CategoricalHinge
from maskgraph.metrics.margins import Hinge as Hinge
from maskgraph.metrics.margins import SquaredHinge as SquaredHinge
from maskgraph.metrics.probabilistic import BinaryCrossentropy as BinaryCrossentropy
from maskgraph.metrics.probabilistic import CategoricalCrossentropy as CategoricalCrossentropy
from maskgraph.metrics.probabilistic import KLDivergence as KLDivergence
from maskgraph.metrics.probabilistic import Perplexity as Perplexity
from maskgraph.metrics.probabilistic import Poisson as Poisson
from maskgraph.metrics.probabilistic import (
    SparseCategoricalCrossentropy as SparseCategoricalCrossentropy,
)
from maskgraph.metrics.reduction import Mean as Mean
from maskgraph.metrics.reduction import Sum as Sum
from maskgraph.metrics.regression import CosineSimilarity as CosineSimilarity
from maskgraph.metrics.regression import LogCoshError as LogCoshError
from maskgraph.metrics.regression import MeanAbsoluteError as MeanAbsoluteError
from maskgraph.metrics.regression import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from maskgraph.metrics.regression import MeanSquaredError as MeanSquaredError
from maskgraph.metrics.regression import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from maskgraph.metrics.regression import RootMeanSquaredError as RootMeanSquaredError
from maskgraph.metrics.spans import SpanF1 as SpanF1
from maskgraph.metrics.trade_off import PrecisionAtRecall as PrecisionAtRecall
from maskgraph.metrics.trade_off import RecallAtPrecision as RecallAtPrecision
from maskgraph.metrics.trade_off import SensitivityAtSpecificity as SensitivityAtSpecificity
from maskgraph.metrics.trade_off import SpecificityAtSensitivity as SpecificityAtSensitivity
