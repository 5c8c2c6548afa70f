"""The configurations that come with recon: recipes of modalities, and one short file for each variant of sampling."""

from pathlib import Path

from recon.errors import ConfigError, require_known

CONFIGS = Path(__file__).parents[1] / "configs"
_VARIANTS = "sampling"


def recipe(name: str) -> Path:
    """Give the file of a recipe, such as `mri`, `small` or `demo/ct`."""
    path = CONFIGS / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(
            f"the recipe {name} must be at {path}, got none there; run recon from a clone of its repository, installed "
            "with `make install`"
        )
    return path


def variants() -> list[str]:
    """Give the names of all variants that there are recipes for.

    >>> "aps3" in variants()
    True
    """
    return sorted(path.stem for path in (CONFIGS / _VARIANTS).glob("*.yaml"))


def variant_recipe(name: str) -> Path:
    """Give the file of a variant, such as `plain-shifts` or `aps3`."""
    require_known(name, variants(), name="variant")
    return recipe(f"{_VARIANTS}/{name}")
