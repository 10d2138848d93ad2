"""Write a function of JAX as an ONNX model, operation by operation. It knows the operations that our policies use.

`jax.make_jaxpr` lists a function's operations. Those whose inputs are all known, such as weights, are computed at once;
each other one becomes an ONNX node or a few. Shapes may hold a symbolic number of worlds B.

jax2onnx does the same for all of JAX, but it excludes the version of Orbax that checkpoints need, and its models of our
policies mixed float32 with float64, which onnxruntime refuses.
"""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import Literal

from flexrl.common.errors import ConfigError
from flexrl.policies.onnx_operations import EMITTERS, Graph, Node, Value, unknown
from flexrl.policies.portable import BATCH, Portable

CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "custom_jvp_call": "call_jaxpr"}
CALLS |= {"custom_vjp_call": "call_jaxpr", "remat": "jaxpr", "checkpoint": "jaxpr"}
OPSET, IR_VERSION = 18, 9  # what onnxruntime reads from 1.17 on, 2024


def onnx_model(policy: Portable) -> bytes:
    """Return the policy's function as an ONNX model.

    Raises:
      ConfigError: if the package onnx is missing, or the function has an operation that is not known here.
    """
    try:
        import onnx
    except ImportError:
        raise ConfigError("format: 'onnx' needs the package onnx; install it: pip install onnx") from None
    from onnx import helper, numpy_helper

    graph = _graph(policy)
    nodes = _needed(graph.nodes, list(graph.outputs))
    if unknown := sorted({node.operation for node in nodes if node.operation.startswith("?")}):
        names = ", ".join(name.removeprefix("?") for name in unknown)
        raise ConfigError(f"format: 'onnx' does not know JAX's {names}, which this policy uses; use stablehlo")
    read = {name for node in nodes for name in node.inputs} | set(graph.outputs)

    def info(name: str, value: jax.ShapeDtypeStruct) -> Any:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
        return helper.make_tensor_value_info(name, kind, [BATCH, *value.shape[1:]])

    made = helper.make_graph(
        [helper.make_node(node.operation, node.inputs, node.outputs, **node.attributes) for node in nodes],
        "policy",
        [info(name, value) for name, value in policy.inputs.items()],
        [info(output_name(name), value) for name, value in policy.outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in graph.constants.items() if name in read],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def output_name(name: str) -> str:
    """Return the name that an output of the policy has in the ONNX model.

    It is the same name, except that `memory.0` becomes `next.memory.0`, because the input is named `memory.0`.
    """
    return f"next.{name}" if name.startswith("memory.") else name


def _graph(policy: Portable) -> Graph:
    """Return the ONNX graph of a policy's function. It also holds operations that no output needs."""
    closed = jax.make_jaxpr(policy.function)(*policy.inputs.values())
    first, shape = next(iter(policy.inputs.items()))
    graph = Graph(batch=shape.shape[0], counted=first)
    arguments: list[Value] = list(policy.inputs)
    results = _run(graph, closed.jaxpr, [np.asarray(const) for const in closed.consts], arguments)
    for name, result in zip(policy.outputs, results, strict=True):
        graph.add("Identity", [result], outputs=[output_name(name)])
        graph.outputs.append(output_name(name))
    return graph


def _run(graph: Graph, jaxpr: Any, consts: Sequence[Value], arguments: Sequence[Value]) -> list[Value]:
    """Add a jaxpr's operations to the graph. Return each result: an array if it is known already, else its name."""
    values: dict[Any, Value] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *arguments], strict=True))

    def value_of(variable: Any) -> Value:
        return np.asarray(variable.val, variable.aval.dtype) if isinstance(variable, Literal) else values[variable]

    for equation in jaxpr.eqns:
        inputs = [value_of(variable) for variable in equation.invars]
        name = equation.primitive.name
        if name in CALLS:
            inner = equation.params[CALLS[name]]
            outputs = _run(graph, inner.jaxpr, [np.asarray(const) for const in inner.consts], inputs)
        elif _is_known(inputs, equation):
            outputs = _computed(equation, inputs)
        else:
            outputs = EMITTERS.get(name, unknown)(graph, equation, inputs)
        values |= dict(zip(equation.outvars, outputs, strict=True))
    return [value_of(variable) for variable in jaxpr.outvars]


def _is_known(inputs: Sequence[Value], equation: Any) -> bool:
    """Return whether an operation can be computed now: inputs are arrays, output shapes are free of the batch size."""
    shapes = [variable.aval.shape for variable in equation.outvars]
    return not any(isinstance(x, str) for x in inputs) and all(isinstance(n, int) for shape in shapes for n in shape)


def _computed(equation: Any, inputs: Sequence[Value]) -> list[Any]:
    found = equation.primitive.bind(*inputs, **equation.params)
    found = found if equation.primitive.multiple_results else [found]
    return [x if jax.dtypes.issubdtype(x.dtype, jax.dtypes.extended) else np.asarray(x) for x in found]


def _needed(nodes: Sequence[Node], outputs: Sequence[str]) -> list[Node]:
    """Return the nodes that the outputs depend on, in their order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted & set(node.outputs):
            kept.append(node)
            wanted |= set(node.inputs)
    return kept[::-1]
