"""Estimator: settings that a constructor stores, in scikit-learn's manner."""

from __future__ import annotations

import inspect
from typing import Any, Self

from penchant.errors import SettingsError


class Estimator:
    """Whatever has settings: the constructor's arguments, kept under their names."""

    @classmethod
    def _setting_names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name; `deep` is there for scikit-learn."""
        return {name: getattr(self, name) for name in self._setting_names()}

    def set_params(self, **settings: Any) -> Self:
        """Change settings by name and return the recommender; it stays fitted as it was.

        Raises `SettingsError` for a name that does not exist.
        """
        known = self._setting_names()
        for name, value in settings.items():
            if name not in known:
                raise SettingsError(
                    f"{type(self).__name__} has no setting {name!r}; it has: {', '.join(known)}."
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({given})"
