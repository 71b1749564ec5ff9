"""Settings as pydantic models: their dotted names, changes from Python or the command line, and clear errors."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from seehear import arguments
from seehear.arguments import Texts
from seehear.errors import SeehearError

Changes = Mapping[str, Any] | Texts
Model = TypeVar("Model", bound=BaseModel)


def setting_fields(model: type[BaseModel], group: str = "") -> dict[str, FieldInfo]:
    """Return every setting by its dotted name, such as `epochs` or `contrast.weight`."""
    fields: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        if nested := _group(model, name):
            fields |= setting_fields(nested, f"{group}{name}.")
        else:
            fields[group + name] = field
    return fields


def apply_changes(values: Mapping[str, Any], changes: Changes, model: type[BaseModel]) -> dict[str, Any]:
    """Return the values of a model with changes on top; nothing is validated yet.

    Args:
        values: Setting -> value. Groups are nested mappings.
        changes: KEY=VALUE texts, or a mapping. Keys may have dots (`contrast.loss`); a mapping may be nested
            (`{"contrast": {"loss": "mtsc"}}`), and then changes only the settings of the group that it names.
        model: The model that the values belong to.

    Raises:
        SeehearError: If a text is not KEY=VALUE, or a key names a part of something that has no parts.
    """
    result = dict(values)
    for key, value in arguments.settings(changes).items():
        if not isinstance(key, str):
            raise SeehearError(f"{key!r}: the name of a setting is a string")
        name, _, part = key.partition(".")
        if isinstance(value, BaseModel):
            value = value.model_dump()
        if part:
            value = {part: value}
        if part or (isinstance(value, Mapping) and _group(model, name)):
            old = result.get(name, {})
            if not isinstance(old, Mapping):
                raise SeehearError(f"{key}: {name} is a single value, so it has no {part or 'settings'}")
            value = {**old, **value}
        result[name] = value
    return result


def validated(model: type[Model], values: Mapping[str, Any], source: str) -> Model:
    """Return the model with these values.

    Args:
        model: The model.
        values: Setting -> value.
        source: Where the values come from, for the error: `recipe small`.

    Raises:
        SeehearError: Names the source and every setting that is unknown or has a bad value.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise SeehearError(f"{source}: {problems(error, model)}") from None


def problems(error: ValidationError, model: type[BaseModel]) -> str:
    """Say in one line what is wrong with each setting."""
    return "; ".join(_problem(".".join(map(str, e["loc"])), e["type"], e["msg"], model) for e in error.errors())


def _group(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """Return the model of a group of settings, None if `name` is a single setting or unknown."""
    field = model.model_fields.get(name)
    annotation = field.annotation if field else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _problem(setting: str, kind: str, message: str, model: type[BaseModel]) -> str:
    names = setting_fields(model)
    if kind == "model_type":
        return f"{setting}: this is a group of settings, such as {next(n for n in names if n.startswith(setting))}"
    if kind != "extra_forbidden":
        text = message.removeprefix("Value error, ")
        return f"{setting}: {text}" if setting else text
    # pydantic names an unknown group without its parts, so groups can be suggested too.
    known = [*names, *dict.fromkeys(name.partition(".")[0] for name in names)]
    close = get_close_matches(setting, known, n=1)
    return f"no setting {setting!r}: " + (
        f"did you mean {close[0]}?" if close else f"the settings are {', '.join(names)}"
    )
