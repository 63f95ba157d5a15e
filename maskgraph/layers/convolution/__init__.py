"""Convolution over time: plain, depthwise and transposed."""
