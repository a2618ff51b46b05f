"""What each model of socket has and can be told, for whoever draws its buttons."""

from pydantic import ConfigDict, Field

from isocket.domain.commands import COMMAND_NAMES
from isocket.domain.device_models import ARMING, AUX, LONGEST_INTERRUPTION_S, MODELS, DeviceModel
from portal_api.models import View
from portal_api.routes import AnyRoute, Call, Route


class ModelView(View):
    """One model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "isocket-3g",
                    "probes": 1,
                    "inputs": 0,
                    "aux": False,
                    "commands": ["on", "off", "on_for", "off_for", "restart", "pulse", "status", "credit", "reboot"],
                    "longest_timer_s": 65500,
                    "longest_interruption_s": 600,
                    "schedule_rules": 32,
                }
            ]
        }
    )

    name: str
    probes: int = Field(description="Thermometers it is sold with.")
    inputs: int = Field(description="Alarm inputs.")
    aux: bool = Field(description="It has a second output.")
    commands: list[str]
    longest_timer_s: int = Field(description="Of `on_for` and `off_for`.")
    longest_interruption_s: int = Field(description="Of `restart` and `pulse`.")
    schedule_rules: int = Field(description="So many rules its schedule keeps.")


class Models(View):
    """Every model."""

    items: list[ModelView]
    next: None = None


def commands_of(model: DeviceModel) -> list[str]:
    """Return the commands that a model can carry out."""
    lacking = (frozenset() if model.aux else AUX) | (frozenset() if model.inputs else ARMING)
    return [each for each in COMMAND_NAMES if each not in lacking]


async def show(_: Call[None, None]) -> Models:
    """List the models of sockets, with what each has and can be told."""
    return Models(items=[_view(each) for each in MODELS.values()])


def _view(model: DeviceModel) -> ModelView:
    return ModelView(
        name=model.name,
        probes=model.probes,
        inputs=model.inputs,
        aux=model.aux,
        commands=commands_of(model),
        longest_timer_s=model.longest_timer_s,
        longest_interruption_s=LONGEST_INTERRUPTION_S,
        schedule_rules=model.schedule_rules,
    )


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        method="GET",
        path="/models",
        handler=show,
        summary="List the models of sockets",
        answers={200: Models},
    ),
)
