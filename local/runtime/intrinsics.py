"""CloudFormation's YAML and its intrinsic functions, resolved for local use.

What cannot be resolved is an error, never a guess.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from local.runtime.names import ACCOUNT, PARTITION, REGION, function_arn, queue_arn, queue_url

PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": PARTITION,
    "AWS::Region": REGION,
    "AWS::StackName": "local",
    "AWS::URLSuffix": "amazonaws.com",
}
_SUBSTITUTION = re.compile(r"\$\{(!?)([^}]+)\}")
_NAMED_BY_THEMSELVES = ("AWS::Serverless::HttpApi", "AWS::Serverless::LayerVersion")


class TemplateError(ValueError):
    """The template asks for something that is wrong, or that the local runtime does not do."""


class _Loader(yaml.SafeLoader):
    """Safe YAML plus the short forms: `!Ref x` reads as {"Ref": x}, `!Sub x` as {"Fn::Sub": x}."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def parse(text: str) -> dict[str, Any]:
    """Read a template's YAML, keeping intrinsics in their long form.

    Raises TemplateError when it is not a mapping.
    """
    try:
        document = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise TemplateError(f"not readable as YAML: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError("not a template: no Resources")
    return document


@dataclass(frozen=True)
class Resolver:
    """Resolves Ref, GetAtt, Sub and Join by parameter defaults and the local SQS endpoint."""

    parameters: Mapping[str, Any]
    resources: Mapping[str, Any]
    sqs_endpoint: str

    def value(self, node: Any) -> Any:
        """The node with every intrinsic replaced.

        Raises TemplateError for what does not resolve.
        """
        if isinstance(node, list):
            return [self.value(item) for item in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((key, argument),) = node.items()
            if key in ("Ref", "Condition") or key.startswith("Fn::"):
                return self._intrinsic(key, argument)
        return {key: self.value(item) for key, item in node.items()}

    def queue_name(self, logical_id: str) -> str:
        properties = self.resources[logical_id].get("Properties") or {}
        return str(self.value(properties.get("QueueName", f"local-{logical_id}")))

    def function_name(self, logical_id: str) -> str:
        properties = self.resources[logical_id].get("Properties") or {}
        return str(self.value(properties.get("FunctionName", logical_id)))

    def _intrinsic(self, key: str, argument: Any) -> Any:
        resolvers: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
        }
        if key not in resolvers:
            raise TemplateError(f"{key} is not supported")
        return resolvers[key](argument)

    def _ref(self, name: str) -> Any:
        if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        if name in self.parameters:
            return self._parameter(name)
        kind = self._kind(name)
        if kind == "AWS::SQS::Queue":
            return queue_url(self.sqs_endpoint, self.queue_name(name))
        if kind == "AWS::Serverless::Function":
            return self.function_name(name)
        if kind in _NAMED_BY_THEMSELVES:
            return name
        raise TemplateError(f"!Ref {name}: {kind} has no local counterpart")

    def _parameter(self, name: str) -> Any:
        if "Default" not in self.parameters[name]:
            raise TemplateError(f"!Ref {name}: the parameter has no Default")
        return self.parameters[name]["Default"]

    def _get_att(self, argument: list[str]) -> str:
        name, attribute = argument
        kind = self._kind(name)
        if kind == "AWS::SQS::Queue":
            queue = self.queue_name(name)
            known = {"Arn": queue_arn(queue), "QueueName": queue, "QueueUrl": self._ref(name)}
        elif kind == "AWS::Serverless::Function":
            known = {"Arn": function_arn(self.function_name(name))}
        else:
            known = {}
        if attribute not in known:
            raise TemplateError(f"!GetAtt {name}.{attribute}: {kind} has no such attribute locally")
        return str(known[attribute])

    def _sub(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument

        def replace(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in given:
                return str(self.value(given[name]))
            return str(self._get_att(name.split(".", 1)) if "." in name else self._ref(name))

        return _SUBSTITUTION.sub(replace, text)

    def _join(self, argument: list[Any]) -> str:
        separator, items = argument
        return str(separator).join(str(item) for item in self.value(items))

    def _kind(self, name: str) -> str:
        if name not in self.resources:
            raise TemplateError(f"{name} is neither a parameter nor a resource")
        return str(self.resources[name]["Type"])
