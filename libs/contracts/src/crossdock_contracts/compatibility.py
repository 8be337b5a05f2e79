"""Which changes of a schema break a reader or a record that is already on a topic."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

#: Bounds whose tightening makes an older record invalid; the second is how a tighter value compares.
_UPPER = ("maxLength", "maximum", "exclusiveMaximum", "maxItems")
_LOWER = ("minLength", "minimum", "exclusiveMinimum", "minItems")


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """What `new` breaks for those who hold to `old`, as sentences; empty when a reader notices nothing.

    Within a version only optional fields may be added. Anything else is a new event version.
    """
    return list(_compare(old, new, old.get("$defs", {}), new.get("$defs", {}), "", frozenset()))


def _compare(
    old: Schema, new: Schema, old_defs: Schema, new_defs: Schema, path: str, seen: frozenset[tuple[str, str]]
) -> Iterator[str]:
    refs = (old.get("$ref", ""), new.get("$ref", ""))
    if refs in seen and all(refs):
        return
    seen = seen | {refs}
    old, new = _resolve(old, old_defs), _resolve(new, new_defs)
    where = path or "the event"

    for word in ("type", "const", "format", "pattern"):
        if old.get(word) != new.get(word):
            yield f"{where}: {word} was {old.get(word)!r} and is {new.get(word)!r}"
    for word in _UPPER:
        if word in new and new[word] < old.get(word, float("inf")):
            yield f"{where}: {word} is tighter than before"
    for word in _LOWER:
        if word in new and new[word] > old.get(word, float("-inf")):
            yield f"{where}: {word} is tighter than before"
    before_values, after_values = set(old.get("enum", ())), set(new.get("enum", ()))
    if before_values != after_values:  # a reader refuses a value that it does not know
        yield f"{where}: values came or went: {sorted(before_values ^ after_values)}"

    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if name not in after:
            yield f"{where}: field {name!r} is gone"
        else:
            yield from _compare(before[name], after[name], old_defs, new_defs, f"{path}.{name}", seen)
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{where}: field {name!r} is required now"
    for name in sorted((set(old.get("required", ())) - set(new.get("required", ()))) & set(after)):
        yield f"{where}: field {name!r} is no longer always there"

    if "items" in old and "items" in new:
        yield from _compare(old["items"], new["items"], old_defs, new_defs, f"{path}[]", seen)
    yield from _compare_choices(old, new, old_defs, new_defs, path, seen)


def _compare_choices(
    old: Schema, new: Schema, old_defs: Schema, new_defs: Schema, path: str, seen: frozenset[tuple[str, str]]
) -> Iterator[str]:
    """`anyOf`: the same choices in the same places; a new one is something readers never saw."""
    before, after = old.get("anyOf", []), new.get("anyOf", [])
    if len(before) != len(after):
        yield f"{path or 'the event'}: there were {len(before)} choices and are {len(after)}"
        return
    for one, other in zip(before, after, strict=True):
        yield from _compare(one, other, old_defs, new_defs, path, seen)


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    if "$ref" in schema:
        resolved: Schema = definitions[schema["$ref"].removeprefix("#/$defs/")]
        return resolved
    return schema
