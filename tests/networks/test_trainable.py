"""Graphs as torch modules: the same numbers as ONNX Runtime's, and gradients for all that is to be trained."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from seehear.errors import SeehearError
from seehear.networks import REGISTRY, Network
from seehear.networks.graph import GraphBuilder
from seehear.networks.samples import sample
from seehear.networks.session import OnnxNetwork, make_session
from seehear.networks.trainable import Prepared, as_module

IMAGE_NETWORKS = ("efficientnet-lite0", "efficientnet-lite2", "open-nsfw", "hed")


@pytest.mark.parametrize("name", IMAGE_NETWORKS)
def test_networks_of_the_registry(loaded, name):
    network = loaded(name)
    pictures = np.asarray(sample(REGISTRY[name].input, 1))[:1]
    pictures = np.concatenate([pictures, pictures[:, ::-1]])
    module = network.module()
    features = module(torch.from_numpy(pictures.copy()))
    expected = network.features(pictures)
    assert np.abs(features.detach().numpy() - expected).max() < 1e-3 * np.abs(expected).max()
    features.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in module.parameters())


def small(rng: np.random.Generator, size: int, stride: int, kernel: int, padding, norm: bool) -> onnx.ModelProto:
    """A graph with most of what GraphBuilder makes."""
    graph = GraphBuilder()

    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    x = graph.frames("frames", size, mean=(100.0, 120.0, 140.0), scale=1 / 128)
    x = graph.relu6(graph.conv(x, draw(4, 3, kernel, kernel), draw(4), stride=stride, padding=padding))
    y = graph.conv(x, draw(4, 1, 1, 1), groups=4)
    x = graph.relu(graph.add(x, y))
    x = graph.average_pool(x) if norm else graph.max_pool(x)
    features = graph.gemm(graph.mean(x, axes=[2, 3]), draw(5, 4), draw(5))
    return graph.model(features=features, logits=graph.gemm(features, draw(2, 5), draw(2)))


def run(model: onnx.ModelProto, batch: np.ndarray, tmp_path) -> np.ndarray:
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    (name,) = (value.name for value in model.graph.input)
    return make_session(path, "cpu", 1).run(["features"], {name: batch})[0]


@settings(deadline=None, max_examples=25)
@given(
    size=st.integers(9, 14),
    stride=st.integers(1, 2),
    kernel=st.integers(1, 3),
    padding=st.tuples(*[st.integers(0, 2)] * 4),
    norm=st.booleans(),
    seed=st.integers(0, 99),
)
def test_graphs_give_what_onnx_runtime_gives(tmp_path_factory, size, stride, kernel, padding, norm, seed):
    rng = np.random.default_rng(seed)
    model = small(rng, size, stride, kernel, padding, norm)
    pictures = rng.integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    expected = run(model, pictures, tmp_path_factory.mktemp("graph"))
    found = as_module(model)(torch.from_numpy(pictures)).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_what_is_trained_is_what_features_need():
    """Weights and biases are; the frames' mean and scale are not, nor is the classifier."""
    module = as_module(small(np.random.default_rng(0), 10, 1, 3, (1, 1, 1, 1), False))
    trained = sorted(tuple(parameter.shape) for parameter in module.parameters())
    assert trained == sorted([(4, 3, 3, 3), (4,), (4, 1, 1, 1), (5, 4), (5,)])
    assert sorted(buffer.numel() for buffer in module.buffers()) == [1, 3]
    assert len(module.state_dict()) == 7


def test_the_session_of_a_graph_gives_its_module(tmp_path):
    rng = np.random.default_rng(0)
    model = small(rng, 10, 1, 3, (0, 0, 0, 0), False)
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    pictures = rng.integers(0, 256, (3, 10, 10, 3), dtype=np.uint8)
    plain = OnnxNetwork(path, "cpu")
    turned = OnnxNetwork(path, "cpu", front_end=lambda batch: batch[:, ::-1])
    assert not np.allclose(plain.features(pictures), turned.features(pictures))
    for network in (plain, turned):
        found = network.module()(torch.from_numpy(pictures)).detach().numpy()
        np.testing.assert_allclose(found, network.features(pictures), rtol=1e-4, atol=1e-4)
    assert isinstance(turned.module(), Prepared)


@pytest.mark.parametrize("threads", [1, 3, 12])
@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_threads_change_no_bit_of_the_features(tmp_path, count, threads):
    rng = np.random.default_rng(0)
    path = tmp_path / "model.onnx"
    path.write_bytes(small(rng, 10, 1, 3, (0, 0, 0, 0), False).SerializeToString())
    pictures = rng.integers(0, 256, (count, 10, 10, 3), dtype=np.uint8)
    network, alone = (OnnxNetwork(path, "cpu", threads=number) for number in (threads, 1))
    expected = [alone.features(picture[None]) for picture in pictures]
    found = network.features(pictures)
    assert found.shape == (count, alone.features(np.zeros((1, 10, 10, 3), np.uint8)).shape[1])
    np.testing.assert_array_equal(found, np.concatenate(expected) if expected else found)


def test_what_fails_in_one_of_several_runs_is_raised(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(small(np.random.default_rng(0), 10, 1, 3, (0, 0, 0, 0), False).SerializeToString())

    def front_end(batch):
        if batch.max() == 9:
            raise ValueError("nine")
        return batch

    pictures = np.zeros((12, 10, 10, 3), np.uint8)
    pictures[7] = 9
    with pytest.raises(ValueError, match="nine"):
        OnnxNetwork(path, "cpu", front_end=front_end, threads=2).features(pictures)


def by_hand(nodes: list, constants: dict[str, np.ndarray], shape: tuple[int, ...]) -> onnx.ModelProto:
    infos = [
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", None])],
    ]
    kept = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "graph", *infos, kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def test_operators_as_other_exporters_write_them(tmp_path):
    """A padded pool that must not take its padding for a maximum, a flattening, a product and its bias apart."""
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("MaxPool", ["x"], ["p"], kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1]),
        helper.make_node("Reshape", ["p", "to.shape"], ["r"]),
        helper.make_node("MatMul", ["r", "w:0"], ["m"]),
        helper.make_node("Add", ["b", "m"], ["a"]),
        helper.make_node("Clip", ["a", "low"], ["features"]),
    ]
    constants = {
        "to.shape": np.array([0, -1], np.int64),
        "w:0": rng.standard_normal((18, 4)).astype(np.float32),
        "b": rng.standard_normal(4).astype(np.float32),
        "low": np.float32(-40.0),
    }
    model = by_hand(nodes, constants, (2, 6, 6))
    onnx.checker.check_model(model)
    x = -10 - rng.random((5, 2, 6, 6), dtype=np.float32)
    module = as_module(model)
    np.testing.assert_allclose(module(torch.from_numpy(x)).detach().numpy(), run(model, x, tmp_path), rtol=1e-5)
    assert sorted(dict(module.named_parameters())) == ["b", "w_0"]


def test_operators_that_are_not_known_are_named():
    graph = GraphBuilder()
    x = graph.log_mel(graph.input("x", (4, 6)), np.ones((6, 3), np.float32), offset=0.1)
    with pytest.raises(SeehearError, match="with Log, Unsqueeze, only with"):
        as_module(graph.model(features=graph.mean(x, axes=[1, 2])))
    rounded_up = [helper.make_node("MaxPool", ["x"], ["features"], kernel_shape=[2, 2], ceil_mode=1)]
    with pytest.raises(SeehearError, match="ceil_mode=1 of MaxPool"):
        as_module(by_hand(rounded_up, {}, (2, 6, 6)))
    with pytest.raises(SeehearError, match="no output called 'features'"):
        as_module(by_hand([helper.make_node("Relu", ["x"], ["y"])], {}, (2,)))


def test_networks_without_a_module_say_so():
    class Mine(Network):
        def features(self, batch):
            return batch

    with pytest.raises(NotImplementedError, match="Mine can't be fine-tuned"):
        Mine().module()
