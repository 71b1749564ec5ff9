"""Graphs against the same layers in torch, with random weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn import functional as F

from seehear.networks import pins
from seehear.networks.graph import (
    BatchNorm,
    GraphBuilder,
    converted,
    same_padding,
    with_dynamic_batch,
    with_outputs,
    without_quantisation,
)
from seehear.networks.session import make_session, thread_count
from seehear.networks.weights import LocalFile, WeightFile

random = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(np.float32)


def run(model: onnx.ModelProto, tmp_path, **inputs: np.ndarray) -> dict[str, np.ndarray]:
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    session = make_session(path, "cpu")
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("groups", [1, 6])
@pytest.mark.parametrize("with_bias", [False, True])
def test_conv_with_batch_norm(tmp_path, stride, groups, with_bias):
    x, weight = normal(3, 6, 9, 9), normal(12, 6 // groups, 3, 3)
    bias = normal(12) if with_bias else None
    scale, shift, mean, variance = normal(12), normal(12), normal(12), np.abs(normal(12)) + 0.1
    norm = BatchNorm(scale, shift, mean, variance, 1e-3)
    graph = GraphBuilder()
    y = graph.conv(
        graph.input("x", (6, 9, 9)), weight, bias, stride=stride, padding=(1, 1, 1, 1), groups=groups, norm=norm
    )
    found = run(graph.model(y=graph.mean(y, axes=[2, 3])), tmp_path, x=x)["y"]
    tensors = [torch.tensor(array) for array in (mean, variance, scale, shift)]
    y = F.conv2d(
        torch.tensor(x), torch.tensor(weight), None if bias is None else torch.tensor(bias), stride, 1, groups=groups
    )
    expected = F.batch_norm(y, *tensors, eps=1e-3).mean(dim=(2, 3))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("size", "kernel", "stride"), [(8, 3, 2), (9, 3, 2), (9, 5, 2), (8, 5, 1), (7, 1, 1)])
def test_same_padding(tmp_path, size, kernel, stride):
    x, weight = normal(1, 1, size, size), normal(1, 1, kernel, kernel)
    graph = GraphBuilder()
    y = graph.conv(graph.input("x", (1, size, size)), weight, stride=stride, padding=same_padding(size, kernel, stride))
    found = run(graph.model(y=graph.max(y, axes=[1])), tmp_path, x=x)["y"]
    naive = np.zeros((-(-size // stride),) * 2)
    total = max((len(naive) - 1) * stride + kernel - size, 0)
    for row in range(len(naive)):
        for column in range(len(naive)):
            for i in range(kernel):
                for j in range(kernel):
                    r, c = row * stride + i - total // 2, column * stride + j - total // 2
                    if 0 <= r < size and 0 <= c < size:
                        naive[row, column] += x[0, 0, r, c] * weight[0, 0, i, j]
    np.testing.assert_allclose(found[0], naive, atol=1e-5)


def test_small_layers(tmp_path):
    x = 5 * normal(2, 4, 7, 5)
    weight, bias = normal(3, 4), normal(3)
    graph = GraphBuilder()
    given = graph.input("x", (4, 7, 5))
    pooled = graph.mean(given, axes=[2, 3])
    found = run(
        graph.model(
            relu=graph.mean(graph.relu(given), axes=[2, 3]),
            relu6=graph.mean(graph.relu6(given), axes=[2, 3]),
            sum=graph.mean(graph.add(given, given), axes=[2, 3]),
            largest=graph.max(graph.max_pool(given), axes=[1]),
            average=graph.mean(graph.average_pool(given), axes=[1]),
            linear=graph.gemm(pooled, weight, bias),
        ),
        tmp_path,
        x=x,
    )
    t = torch.tensor(x)
    expected = {
        "relu": F.relu(t).mean(dim=(2, 3)),
        "relu6": F.relu6(t).mean(dim=(2, 3)),
        "sum": (t + t).mean(dim=(2, 3)),
        "largest": F.max_pool2d(t, 2).amax(dim=1),
        "average": F.avg_pool2d(t, 2).mean(dim=1),
        "linear": F.linear(t.mean(dim=(2, 3)), torch.tensor(weight), torch.tensor(bias)),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5, err_msg=name)


def test_frames(tmp_path):
    pictures = random.integers(0, 256, (2, 4, 4, 3), np.uint8)
    graph = GraphBuilder()
    x = graph.frames("x", 4, mean=(1.0, 20.0, 120.0), scale=0.5)
    found = run(graph.model(y=graph.max(x, axes=[2, 3])), tmp_path, x=pictures)["y"]
    np.testing.assert_allclose(found, (pictures.max(axis=(1, 2)) - np.array([1, 20, 120])) * 0.5)


def test_log_mel(tmp_path):
    spectra, filters = np.abs(normal(2, 5, 9)), np.abs(normal(9, 4))
    graph = GraphBuilder()
    x = graph.log_mel(graph.input("x", (5, 9)), filters, gain=3.0, offset=0.5, scale=2.0)
    found = run(graph.model(y=graph.max(x, axes=[1])), tmp_path, x=spectra)["y"]
    np.testing.assert_allclose(found, 2 * np.log(3 * spectra @ filters + 0.5), rtol=1e-5)


def quantised_pair(weight: np.ndarray, bias: np.ndarray) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """A linear layer, a fixed reshape and a ReLU, with rounding around everything and without any."""
    constants = [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")]
    constants.append(numpy_helper.from_array(np.array([1, -1], np.int64), "shape"))
    steps = [numpy_helper.from_array(np.array(0.5, np.float32), "step"), numpy_helper.from_array(np.uint8(9), "zero")]

    def pair(x: str) -> list[onnx.NodeProto]:
        return [
            helper.make_node("QuantizeLinear", [x, "step", "zero"], [f"{x}_q"]),
            helper.make_node("DequantizeLinear", [f"{x}_q", "step", "zero"], [f"{x}_dq"]),
        ]

    def make(nodes, kind, extra) -> onnx.ModelProto:
        graph = helper.make_graph(
            nodes,
            "pair",
            [helper.make_tensor_value_info("x", kind, [1, 4])],
            [helper.make_tensor_value_info("y", kind, [1, 3])],
            constants + extra,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)

    rounded = [
        helper.make_node("DequantizeLinear", ["x", "step", "zero"], ["x_dq"]),
        *pair("weight"),
        helper.make_node("Gemm", ["x_dq", "weight_dq", "bias"], ["linear"]),
        *pair("linear"),
        helper.make_node("Reshape", ["linear_dq", "shape"], ["flat"]),
        *pair("flat"),
        helper.make_node("Relu", ["flat_dq"], ["relu"]),
        helper.make_node("QuantizeLinear", ["relu", "step", "zero"], ["y"]),
    ]
    plain = [
        helper.make_node("Gemm", ["x", "weight", "bias"], ["linear"]),
        helper.make_node("Reshape", ["linear", "shape"], ["flat"]),
        helper.make_node("Relu", ["flat"], ["y"]),
    ]
    return make(rounded, TensorProto.UINT8, steps), make(plain, TensorProto.FLOAT, [])


def test_without_quantisation_and_with_dynamic_batch(tmp_path):
    weight, bias, x = normal(4, 3), normal(3), normal(5, 4)
    rounded, plain = quantised_pair(weight, bias)
    bypassed = without_quantisation(rounded)
    assert {node.op_type for node in bypassed.graph.node} == {"Gemm", "Reshape", "Relu"}
    assert {constant.name for constant in bypassed.graph.initializer} == {"weight", "bias", "shape"}
    expected = np.maximum(x @ weight + bias, 0)
    np.testing.assert_allclose(run(bypassed, tmp_path, x=x[:1])["y"], run(plain, tmp_path, x=x[:1])["y"], atol=1e-6)
    np.testing.assert_allclose(run(with_dynamic_batch(bypassed), tmp_path, x=x)["y"], expected, atol=1e-5)
    assert len(rounded.graph.node) == 11  # the one given is left as it was


def test_with_outputs(tmp_path):
    weight, bias, x = normal(4, 3), normal(3), normal(1, 4)
    _, plain = quantised_pair(weight, bias)
    found = run(with_outputs(plain, linear_layer="linear"), tmp_path, x=x)
    np.testing.assert_allclose(found["linear_layer"], x @ weight + bias, atol=1e-5)
    assert list(found) == ["linear_layer"]
    assert [node.op_type for node in with_outputs(plain, a="linear").graph.node] == ["Gemm", "Identity"]
    with pytest.raises(ValueError, match="no tensor called gone"):
        with_outputs(plain, features="gone")


def test_append(tmp_path):
    weight, bias, x = normal(4, 3), normal(3), normal(1, 4)
    _, plain = quantised_pair(weight, bias)
    graph = GraphBuilder()
    outputs = graph.append(plain, graph.relu(graph.input("given", (4,))))
    found = run(graph.model(out=outputs["y"]), tmp_path, given=x)["out"]
    np.testing.assert_allclose(found, np.maximum(np.maximum(x, 0) @ weight + bias, 0), atol=1e-5)
    plain.opset_import[0].version = 9
    with pytest.raises(ValueError, match="opset 20"):
        GraphBuilder().append(plain, "x")


def conversion() -> tuple[WeightFile, list[int], Callable[[], onnx.ModelProto]]:
    """Weights, how often they were converted so far, and what converts them."""
    made: list[int] = []

    def build() -> onnx.ModelProto:
        made.append(len(made))
        graph = GraphBuilder()
        return graph.model(y=graph.relu(graph.input("x", (2,))))

    return WeightFile("w.pth", "ab" * 32, (LocalFile("w.pth"),)), made, build


def test_conversion_is_done_once_for_a_revision(tmp_path, monkeypatch):
    monkeypatch.setenv("SEEHEAR_CACHE", str(tmp_path))
    source, made, build = conversion()
    first = converted(source, "1", build)
    assert converted(source, "1", build) == first
    assert made == [0]
    assert converted(source, "2", build) != first
    assert made == [0, 1]
    assert len(list((tmp_path / "converted").glob("*.onnx"))) == 2


def test_a_cached_conversion_that_is_another_file_is_made_again(tmp_path, monkeypatch):
    """One that was replaced, cut short, made of other weights or in another way, or that has no pin."""
    monkeypatch.setenv("SEEHEAR_CACHE", str(tmp_path))
    source, made, build = conversion()
    file = converted(source, "1", build)
    right, pin = file.read_bytes(), pins.place(file).read_bytes()
    evil = GraphBuilder()
    replaced = evil.model(y=evil.relu6(evil.input("x", (2,)))).SerializeToString()
    other = converted(WeightFile("w.pth", "cd" * 32, ()), "1", build)
    count = len(made)
    for content, kept in (
        (replaced, pin),
        (right[:-1], pin),
        (b"", pin),
        (right, b""),
        (right, b"{}"),
        (right, pins.place(other).read_bytes()),  # of other weights
        (right, pin.replace(b"-r1", b"-r2")),
        (right, None),
    ):
        file.write_bytes(content)
        pins.place(file).write_bytes(kept) if kept is not None else pins.place(file).unlink()
        assert converted(source, "1", build) == file
        count += 1
        assert len(made) == count
        assert (file.read_bytes(), pins.place(file).read_bytes()) == (right, pin)
        assert converted(source, "1", build) == file
        assert len(made) == count


def test_session_refuses_unavailable_devices(tmp_path, monkeypatch):
    import onnxruntime

    from seehear.errors import SeehearError

    with pytest.raises(SeehearError, match="auto, cpu or cuda, not 'tpu'"):
        make_session(tmp_path / "any.onnx", "tpu")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(SeehearError, match="can't use CUDA"):
            make_session(tmp_path / "any.onnx", "cuda")
    monkeypatch.setenv("SEEHEAR_THREADS", "3")
    assert thread_count() == 3
    monkeypatch.setenv("SEEHEAR_THREADS", "none")
    with pytest.raises(SeehearError, match="SEEHEAR_THREADS"):
        thread_count()
