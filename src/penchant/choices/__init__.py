"""What people choose: which items a user picks, whatever they then think of them.

`penchant.choices.train.fit` trains it; what it gives, `Choices`, answers without the kernels.
"""

from penchant.choices.liking import Liking
from penchant.choices.model import Choices

__all__ = ["Choices", "Liking"]
