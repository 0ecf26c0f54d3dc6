"""What is known of a row beside its ratings' values: the x of a user or an item.

The x of a row has three parts, in this order:

1. the *bag* of who rated what: ``n^(−1/2)`` on each of the n rows of the other side that stand in
   the row's training ratings;
2. the *count*: the standardised logarithm of 1 + n, scaled, 0 for a row without ratings;
3. the *side columns* of its table, if there is one.
"""

from penchant.features.side_columns import SideEncoder
from penchant.features.who_rated import CountScale, Noise, bag_weights

__all__ = ["CountScale", "Noise", "SideEncoder", "bag_weights"]
