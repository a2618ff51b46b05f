"""What each model of socket has."""

from dataclasses import dataclass


class UnknownModelError(ValueError):
    """The name is not that of a model the simulator can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    name: str
    probes: int
    inputs: int
    firmware: str


MODELS = {
    model.name: model
    for model in (
        Model(name="isocket-707", probes=1, inputs=1, firmware="1.4.2"),
        Model(name="isocket-3g", probes=1, inputs=0, firmware="2.0.7"),
        Model(name="isocket-environment-pro", probes=2, inputs=1, firmware="3.1.0"),
        Model(name="isocket-4g", probes=2, inputs=2, firmware="4.0.1"),
    )
}


def model_named(name: str) -> Model:
    """The model of that name. Raises UnknownModelError, naming those there are."""
    try:
        return MODELS[name]
    except KeyError:
        raise UnknownModelError(f"no model {name!r}; there are: {', '.join(MODELS)}") from None
