"""A checker of annotated shapes, for jaxtyping's import hook; other annotations are none of its business."""

import functools
import inspect
import typing

from jaxtyping import AbstractArray


def has_shape(annotation) -> bool:
    options = typing.get_args(annotation) or (annotation,)
    return any(isinstance(option, type) and issubclass(option, AbstractArray) for option in options)


def only_shapes(function):
    """The function, with a TypeError where an argument or the result does not have its annotated shape."""
    shapes = {name: a for name, a in function.__annotations__.items() if has_shape(a)}
    if not shapes:
        return function
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checked(*arguments, **settings):
        for name, value in signature.bind(*arguments, **settings).arguments.items():
            several = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
            for one in value if several else (value,):
                if name in shapes and not isinstance(one, shapes[name]):
                    raise TypeError(f"{name} is no {shapes[name]}")
        result = function(*arguments, **settings)
        if "return" in shapes and not isinstance(result, shapes["return"]):
            raise TypeError(f"the result is no {shapes['return']}")
        return result

    return checked
