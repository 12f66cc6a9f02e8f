"""Whether statements of IAM allow a call: actions, resources, and the conditions that ours use."""

from fnmatch import fnmatchcase
from typing import Any, Final

from celec_assets_tests.terraform_rules.access import listed

_TESTS: Final = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")
"""`*` and `?` in a value are taken for wildcards: whoever writes StringEquals with them means none."""


def matches(pattern: str, name: str) -> bool:
    """As IAM compares: letters of actions in either case, `*` and `?` as wildcards, brackets as themselves."""
    return fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]"))


def applies(statement: dict[str, Any], action: str, resource: str, context: dict[str, str]) -> bool:
    """Whether a statement speaks of a call.

    Args:
        statement: of a policy of a role; NotAction and NotResource are unknown to it, and raise.
        context: condition keys that the call carries.
    """
    assert not {"NotAction", "NotResource", "Principal"} & statement.keys(), statement
    return (
        any(matches(pattern, action) for pattern in listed(statement["Action"]))
        and any(matches(pattern, resource) for pattern in listed(statement["Resource"]))
        and all(
            _holds(test, key, listed(values), context)
            for test, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _holds(test: str, key: str, values: list[str], context: dict[str, str]) -> bool:
    exact = test.removesuffix("IfExists")
    assert exact in _TESTS, f"{test} is unknown here"
    if key not in context:
        return test != exact
    return any(matches(value, context[key]) for value in values)


def allows(statements: list[dict[str, Any]], action: str, resource: str, context: dict[str, str]) -> bool:
    """Whether statements together allow a call: one does, and none denies it."""
    effects = {s["Effect"] for s in statements if applies(s, action, resource, context)}
    return effects == {"Allow"}
