"""Names the settings of every kind of world."""

from __future__ import annotations

from gauger.plugs import Registry

WORLD_SETTINGS = Registry(
    "a kind of world",
    "gauger.worlds",
    {"atlas": "gauger.spec.atlas_world:AtlasWorld", "language": "gauger.spec.language_world:LanguageWorld"},
)
"""Kind -> the class with its settings; what another package offers is a world with a `settings_type`."""
