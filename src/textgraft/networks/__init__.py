"""Torch modules: forward passes and layer groups, nothing that trains or batches."""
