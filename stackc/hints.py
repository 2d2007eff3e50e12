"""The names that annotations need, at no cost: the import of ``typing`` takes as long as the compile of a small file.
A test holds the compiler to it.

Type checkers see the real ones. At run time the abstract classes are those that the interpreter itself has loaded,
``NamedTuple`` is made here, and the rest are stand-ins that only have to exist.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import IO, Any, ClassVar, NamedTuple, Protocol, TypeVar, cast
else:
    from _collections import _tuplegetter as field
    from _collections_abc import Callable, Iterable, Iterator, Mapping, Sequence

    class Any:
        """Anything."""

    class Protocol:
        """What a class must have, for type checkers only."""

    IO = ClassVar = list

    def TypeVar(name, *bounds, **bound):  # noqa: N802
        """A type variable, for type checkers only."""
        return Any

    def cast(kind, value):
        """``value``, as it is."""
        return value

    class _Maker(type):
        """Makes of ``class Name(NamedTuple)`` a plain subclass of tuple, without compiling any code for it."""

        def __new__(maker, name, bases, namespace):
            if not bases:
                return super().__new__(maker, name, bases, namespace)
            if "__annotations__" not in namespace:
                raise TypeError(f"{name}: `from __future__ import annotations` is missing, or it has no fields")
            names = tuple(namespace["__annotations__"])
            defaults = {one: namespace[one] for one in names if one in namespace}
            namespace.update((one, field(at, "")) for at, one in enumerate(names))
            namespace["__slots__"] = ()
            namespace["__match_args__"] = namespace["_fields"] = names
            namespace["_field_defaults"] = defaults
            namespace["_replace"], namespace["_asdict"], namespace["__getnewargs__"] = _replace, _asdict, _plain
            namespace["_make"] = classmethod(tuple.__new__)
            namespace.setdefault("__repr__", _repr)
            namespace["__new__"] = _new(names, defaults)
            return type(name, (tuple,), namespace)

    def _new(names, defaults):
        make, count, missing = tuple.__new__, len(names), object()
        needed = count - len(defaults)
        places = {name: at for at, name in enumerate(names)}
        last = tuple(defaults.get(name, missing) for name in names)

        def __new__(cls, *values, **named):  # noqa: N807
            given = len(values)
            if given == count and not named:
                return make(cls, values)
            filled = [*values, *last[given:]]
            for name, value in named.items():
                at = places.get(name, -1)
                if at < given:
                    raise _refused(cls, values, named)
                filled[at] = value
            if len(filled) != count or (given < needed and missing in filled):
                raise _refused(cls, values, named)
            return make(cls, filled)

        return __new__

    def _refused(cls, values, named):
        return TypeError(f"{cls.__name__}({', '.join(cls._fields)}) got {len(values)} values and {list(named)}")

    def _replace(self, **changes):
        unknown = [one for one in changes if one not in self._fields]
        if unknown:
            raise ValueError(f"{type(self).__name__} has no {unknown}")
        return tuple.__new__(type(self), map(changes.get, self._fields, self))

    def _asdict(self):
        return dict(zip(self._fields, self, strict=True))

    def _plain(self):
        return tuple(self)

    def _repr(self):
        shown = (f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"{type(self).__name__}({', '.join(shown)})"

    class NamedTuple(metaclass=_Maker):
        """As ``typing.NamedTuple``; fields are known by name at the cost of an index."""


__all__ = [
    "IO", "TYPE_CHECKING", "Any", "Callable", "ClassVar", "Iterable", "Iterator", "Mapping", "NamedTuple", "Protocol",
    "Sequence", "TypeVar", "cast",
]  # fmt: skip
