"""Losses: one float32 value per item, [B], to be added up and divided by the totals of the whole effective batch.

A value is a sum over the item's real positions where lengths vary, for the caller to divide by how many there are in
all; it is a mean where all items have one size, as decoded slices have, for the caller to divide by the number of
items. So the gradient does not depend on how a batch is split among processes or passes.
"""
