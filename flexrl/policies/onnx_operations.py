"""The ONNX nodes of each operation of JAX. `EMITTERS` names the operations that are known."""

import functools
import itertools
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Value = Any  # the name (str) of a tensor in the graph, or an array that is known already
Emitter = Callable[["Graph", Any, list[Value]], list[Value]]


@dataclass(frozen=True)
class Node:
    """An ONNX node: names of its inputs and outputs, and its attributes."""

    operation: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]


@dataclass
class Graph:
    """An ONNX graph that grows.

    Attributes:
      batch: JAX's symbolic number of worlds B.
      counted: name of an input whose first axis is B.
      nodes: all nodes, each after those that it depends on.
      constants: arrays by name.
      outputs: names of the outputs.
    """

    batch: Any
    counted: str
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    def add(
        self, operation: str, inputs: Sequence[Value], num: int = 1, outputs: list[str] | None = None, **attributes: Any
    ) -> list[Value]:
        """Add a node. Return the names of its outputs: those given, or `num` new ones."""
        names = outputs or [f"t{next(self._numbers)}" for _ in range(num)]
        self.nodes.append(Node(operation, [self.name(value) for value in inputs], names, attributes))
        return list(names)

    def one(self, operation: str, *inputs: Value, **attributes: Any) -> str:
        """Add a node with one output, and return its name."""
        return self.add(operation, inputs, **attributes)[0]

    def name(self, value: Value) -> str:
        """Return the name of a value in the graph.

        A string is a name already. An array is added to the graph's constants, under a new name.
        """
        if isinstance(value, str):
            return value
        name = f"c{next(self._numbers)}"
        self.constants[name] = np.asarray(value)
        return name

    def reshaped(self, value: Value, shape: Sequence[Any]) -> str:
        """Add a reshaping of a value, and return its output's name. One size may depend on B (worlds)."""
        return self.one("Reshape", value, _whole([n if isinstance(n, int) else -1 for n in shape]))

    def sizes(self, shape: Sequence[Any]) -> Value:
        """Return a shape as an array or, if sizes are multiples of B (the number of worlds), as a tensor's name."""
        if all(isinstance(n, int) for n in shape):
            return _whole(shape)
        batch = self.one("Shape", self.counted, start=0, end=1)
        parts = [
            _whole([n]) if isinstance(n, int) else self.one("Mul", batch, _whole([int(n // self.batch)])) for n in shape
        ]
        return self.one("Concat", *parts, axis=0)


def _whole(numbers: Sequence[int]) -> np.ndarray:
    return np.array(list(numbers), np.int64)


def unknown(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    """Add a placeholder for a JAX operation for which no ONNX nodes are known. Return the names of its outputs.

    A model whose outputs depend on it is refused, with an error that names the operation.
    """
    known = [value for value in inputs if isinstance(value, str)]
    return graph.add(f"?{equation.primitive.name}", known, num=len(equation.outvars))


def _same(operation: str) -> Emitter:
    """Return the emitter (the function that adds nodes) of a JAX operation that is the ONNX node `operation`."""
    return lambda graph, equation, inputs: [graph.one(operation, *inputs)]


def _cast(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    from onnx import helper

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(equation.params["new_dtype"]))
    return [graph.one("Cast", inputs[0], to=kind)]


def _broadcast(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    (variable,), shape = equation.invars[:1], equation.params["shape"]
    places = equation.params["broadcast_dimensions"]
    before = dict(zip(places, variable.aval.shape, strict=True))
    value = graph.reshaped(inputs[0], [before.get(i, 1) for i in range(len(shape))])
    new = [1 if i in before and before[i] == n else n for i, n in enumerate(shape)]
    return [value if all(isinstance(n, int) and n == 1 for n in new) else graph.one("Expand", value, graph.sizes(new))]


def _reshape(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    return [graph.reshaped(inputs[0], equation.outvars[0].aval.shape)]


def _select(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    which, *cases = inputs
    assert len(cases) == 2  # `jnp.where`
    if equation.outvars[0].aval.dtype != bool:
        return [graph.one("Where", which, cases[1], cases[0])]
    chosen = graph.one("And", which, cases[1])  # onnxruntime has no Where of booleans
    return [graph.one("Or", chosen, graph.one("And", graph.one("Not", which), cases[0]))]


def _dot(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    (left, right), (left_batch, right_batch) = equation.params["dimension_numbers"]
    ranks = [len(variable.aval.shape) for variable in equation.invars]
    if ranks[1] == 2 and (list(left), list(right)) == ([ranks[0] - 1], [0]) and not left_batch:
        return [graph.one("MatMul", *inputs)]
    letters = iter(string.ascii_lowercase)
    names = [[next(letters) for _ in range(rank)] for rank in ranks]
    for a, b in zip([*left, *left_batch], [*right, *right_batch], strict=True):
        names[1][b] = names[0][a]
    batch = [names[0][i] for i in left_batch]
    free = [
        names[side][i]
        for side, taken in enumerate(((*left, *left_batch), (*right, *right_batch)))
        for i in range(ranks[side])
        if i not in taken
    ]
    equation_text = f"{''.join(names[0])},{''.join(names[1])}->{''.join(batch + free)}"
    return [graph.one("Einsum", *inputs, equation=equation_text)]


def _reduce(operation: str) -> Emitter:
    return lambda graph, equation, inputs: [
        graph.one(operation, inputs[0], _whole(equation.params["axes"]), keepdims=0)
    ]


def _split(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    sizes = [int(size) for size in equation.params["sizes"]]
    return graph.add("Split", [inputs[0], _whole(sizes)], num=len(sizes), axis=equation.params["axis"])


def _concatenate(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    return [graph.one("Concat", *inputs, axis=equation.params["dimension"])]


def _stack(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    axis = equation.params["axis"]
    return [graph.one("Concat", *(graph.one("Unsqueeze", x, _whole([axis])) for x in inputs), axis=axis)]


def _slice(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    params, shape = equation.params, equation.invars[0].aval.shape
    strides = params["strides"] or (1,) * len(shape)
    bounds = zip(params["start_indices"], params["limit_indices"], strides, strict=True)
    cut = {i: each for i, each in enumerate(bounds) if each != (0, shape[i], 1)}
    parts = [_whole([each[i] for each in cut.values()]) for i in range(3)]
    return [graph.one("Slice", inputs[0], *parts[:2], _whole(list(cut)), parts[2])] if cut else inputs[:1]


def _gather(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    """Add the nodes of JAX's `gather` where it takes rows along one axis by index, or one slice from a known start.

    All indices must be within range. Any other `gather` is added as unknown.
    """
    numbers, sizes = equation.params["dimension_numbers"], equation.params["slice_sizes"]
    shape, out = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
    axis, place = numbers.start_index_map[0], inputs[1]
    are_whole = all(size == shape[i] for i, size in enumerate(sizes) if i != axis)
    is_simple = len(numbers.start_index_map) == 1 and are_whole and not numbers.operand_batching_dims
    rows = [i for i in range(len(out)) if i not in numbers.offset_dims]
    if is_simple and numbers.collapsed_slice_dims == (axis,) and rows == list(range(axis, axis + len(rows))):
        return [graph.one("Gather", inputs[0], graph.reshaped(place, [out[i] for i in rows]), axis=axis)]
    if is_simple and not rows and not numbers.collapsed_slice_dims and not isinstance(place, str):
        start = int(place.reshape(()))
        return [graph.one("Slice", inputs[0], *map(_whole, ([start], [start + sizes[axis]], [axis])))]
    return unknown(graph, equation, inputs)


def _scatter(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    """Add the nodes of JAX's `scatter` if it replaces one row along one axis, at an index that is known now.

    Any other `scatter` is added as unknown. Return the names of the operation's outputs.
    """
    numbers, (operand, place, update) = equation.params["dimension_numbers"], inputs
    if isinstance(place, str) or place.size != 1 or len(numbers.inserted_window_dims) != 1:
        return unknown(graph, equation, inputs)
    (axis,) = numbers.inserted_window_dims
    row = graph.one("Unsqueeze", update, _whole([axis]))
    at, size = int(place.reshape(())), equation.invars[0].aval.shape[axis]
    parts = [(0, at), (at + 1, size)]
    before, after = (
        [graph.one("Slice", operand, _whole([a]), _whole([b]), _whole([axis]))] if a < b else [] for a, b in parts
    )
    return [graph.one("Concat", *before, row, *after, axis=axis)]


def _power(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    return [graph.one("Pow", inputs[0], np.asarray(equation.params["y"], equation.invars[0].aval.dtype))]


def _transpose(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    return [graph.one("Transpose", inputs[0], perm=list(equation.params["permutation"]))]


def _composed(*operations: str) -> Emitter:
    """Return a function that adds the nodes of a JAX operation which is several ONNX operations in a row.

    Each of them has one input: the operation's own input, then the result of the ONNX operation before.
    """
    return lambda graph, equation, inputs: [functools.reduce(lambda x, f: graph.one(f, x), operations, inputs[0])]


def _with_one(first: str, constant: float, then: str, *, before: bool) -> Emitter:
    """Return a function that adds the nodes of a JAX operation of one input x, which is two ONNX operations.

    The nodes compute `then(first(x, constant))` if `before` is True, else `first(then(x), constant)`.
    """

    def emit(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
        one = np.asarray(constant, equation.invars[0].aval.dtype)
        if before:
            return [graph.one(then, graph.one(first, inputs[0], one))]
        return [graph.one(first, graph.one(then, inputs[0]), one)]

    return emit


def _clamp(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    low, value, high = inputs
    return [graph.one("Min", graph.one("Max", value, low), high)]


def _erfc(graph: Graph, equation: Any, inputs: list[Value]) -> list[Value]:
    return [graph.one("Sub", np.asarray(1, equation.invars[0].aval.dtype), graph.one("Erf", inputs[0]))]


EMITTERS: dict[str, Emitter] = {
    **{name: _same(name.capitalize()) for name in ("add", "sub", "mul", "div", "max", "min", "neg", "abs", "exp")},
    **{name: _same(name.capitalize()) for name in ("log", "tanh", "sqrt", "erf", "and", "or", "not", "floor", "sign")},
    "logistic": _same("Sigmoid"),
    "eq": _same("Equal"),
    "lt": _same("Less"),
    "gt": _same("Greater"),
    "le": _same("LessOrEqual"),
    "ge": _same("GreaterOrEqual"),
    "ne": lambda graph, equation, inputs: [graph.one("Not", graph.one("Equal", *inputs))],
    "square": lambda graph, equation, inputs: [graph.one("Mul", inputs[0], inputs[0])],
    "rsqrt": _composed("Sqrt", "Reciprocal"),
    "stop_gradient": _same("Identity"),
    "copy": _same("Identity"),
    "expm1": _with_one("Sub", 1.0, "Exp", before=False),
    "log1p": _with_one("Add", 1.0, "Log", before=True),
    "erfc": _erfc,
    "clamp": _clamp,
    "integer_pow": _power,
    "convert_element_type": _cast,
    "broadcast_in_dim": _broadcast,
    "reshape": _reshape,
    "squeeze": _reshape,
    "expand_dims": _reshape,
    "select_n": _select,
    "dot_general": _dot,
    "reduce_sum": _reduce("ReduceSum"),
    "reduce_max": _reduce("ReduceMax"),
    "reduce_min": _reduce("ReduceMin"),
    "split": _split,
    "concatenate": _concatenate,
    "stack": _stack,
    "slice": _slice,
    "gather": _gather,
    "scatter": _scatter,
    "transpose": _transpose,
}
