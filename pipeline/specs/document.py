"""The only YAML reader: strict, YAML 1.2, errors that name file and key."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo

from pipeline.errors import SpecError

__all__ = ["Spec", "SpecPath", "load_document", "load_spec", "parse_spec", "with_setting"]


class Spec(BaseModel):
    """Base of everything a person writes: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


SpecT = TypeVar("SpecT", bound=BaseModel)


def _from_file(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder", Path())
    return path if path.is_absolute() else Path(folder) / path


SpecPath = Annotated[Path, AfterValidator(_from_file)]
"""A path in a YAML file: relative ones start at that file's folder."""


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2 booleans and numbers; duplicate keys are refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} is not a word; quote it", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} appears twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


# YAML 1.1 reads `off` as False, `1e-3` as a word and `12:30` as a number; 1.2 does not.
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((":null", ":merge"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789")
)
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


def _decimal(loader: _StrictLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))  # YAML 1.2: 010 is ten, not eight


_StrictLoader.add_constructor("tag:yaml.org,2002:int", _decimal)


def load_document(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises:
        SpecError: If the file is missing, not YAML, or not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SpecError(f"{path}: cannot be read ({reason}).") from error
    try:
        document = yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "not YAML"
        raise SpecError(f"{where}: {problem}.") from error
    if not isinstance(document, dict):
        raise SpecError(f"{path}: got {type(document).__name__}; expected a mapping of keys.")
    return document


def with_setting(document: dict[str, Any], setting: str) -> dict[str, Any]:
    """A document with one key set anew; what keys there are is checked when it is parsed.

    Args:
        document: As :func:`load_document` reads it.
        setting: As ``model.width=0.5``: dots between the levels, a value as in YAML.

    Raises:
        SpecError: If it is not of that form.
    """
    path, equals, text = setting.partition("=")
    try:
        value = yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        raise SpecError(f"{setting!r}: got {text!r}; expected a YAML value.") from error
    if not equals or not all(path.split(".")):
        raise SpecError(f"{setting!r}: expected KEY=VALUE, as model.width=0.5.")
    key, *deeper = path.split(".")
    if not deeper:
        return document | {key: value}
    inner = document.get(key, {})
    if not isinstance(inner, dict):
        raise SpecError(f"{setting!r}: got {inner!r} under {key!r}; expected a mapping of keys.")
    return document | {key: with_setting(inner, f"{'.'.join(deeper)}={text}")}


def parse_spec(document: dict[str, Any], model: type[SpecT], *, source: Path) -> SpecT:
    """Validate a mapping against a model; ``source`` is the file named in errors.

    Raises:
        SpecError: Naming file, key, what was got and what was expected.
    """
    try:
        return model.model_validate(document, context={"folder": source.parent})
    except ValidationError as error:
        raise SpecError(_first_line(error, model, source)) from error


def load_spec(path: Path, model: type[SpecT]) -> SpecT:
    """Read and validate a YAML file.

    Raises:
        SpecError: If the file cannot be read or does not fit the model.
    """
    return parse_spec(load_document(path), model, source=path)


def _first_line(error: ValidationError, model: type[BaseModel], source: Path) -> str:
    # A misspelt key is also a missing one: name the misspelling.
    details = sorted(
        error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden"
    )
    first = details[0]
    key = ".".join(str(part) for part in first["loc"]) or "(top level)"
    more = f" ({len(details) - 1} more)" if len(details) > 1 else ""
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(_keys_at(model, first["loc"][:-1])))
        hint = f"; known keys: {known}" if known else ""
        return f"{source}: unknown key '{key}'{hint}.{more}"
    if first["type"] == "missing":
        return f"{source}: key '{key}' is missing.{more}"
    got = json.dumps(first["input"], default=str)
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return f"{source}: key '{key}': got {got[:120]}; {message.rstrip('.')}.{more}"


def _keys_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> set[str]:
    models: list[Any] = [model]
    for part in loc:
        fields = [m.model_fields[str(part)] for m in models if str(part) in m.model_fields]
        models = [
            kind
            for field in fields
            for kind in (field.annotation, *get_args(field.annotation))
            if isinstance(kind, type) and issubclass(kind, BaseModel)
        ]
    return {key for found in models for key in found.model_fields}
