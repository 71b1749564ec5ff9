"""ONNX files that reach out of their folder, or need code that ONNX Runtime doesn't have."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from seehear.errors import SeehearError
from seehear.networks import onnx_file
from seehear.networks.session import OnnxNetwork, make_session

VALUES = np.arange(4, dtype=np.float32)


def external(location: str, name: str = "w", **facts: str) -> TensorProto:
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **facts}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def model(constant: TensorProto | None = None, *nodes: onnx.NodeProto, **more) -> onnx.ModelProto:
    """x + w, with w among the constants."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["features"]), *nodes],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 4])],
        [constant if constant is not None else numpy_helper.from_array(VALUES, "w")],
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, **more)


def save(folder: Path, of: onnx.ModelProto) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(of.SerializeToString())
    return folder / "model.onnx"


def test_weights_beside_the_file_are_read(tmp_path):
    (tmp_path / "sub").mkdir()
    for location in ("w.bin", "sub/w.bin"):
        (tmp_path / location).write_bytes(b"12" + VALUES.tobytes())
        path = save(tmp_path, model(external(location, offset="2", length="16")))
        network = OnnxNetwork(path, "cpu")
        assert network.features(np.zeros((1, 4), np.float32)).tolist() == [VALUES.tolist()]
        assert numpy_helper.to_array(onnx_file.read(path).graph.initializer[0]).tolist() == VALUES.tolist()


LOCATIONS = [
    "../secret.bin", "{}/secret.bin", "/etc/passwd", "../../../../../../../../etc/passwd", "sub/../../secret.bin",
    "out.bin", "up/secret.bin", "", ".", "..", "sub", "none.bin", "..\\secret.bin", "C:\\secret.bin", "C:secret.bin",
    "*/_ORT_MEM_ADDR_/*", "pipe", "w.bin\0", "/dev/zero", "file:///etc/passwd", "http://example.org/w.bin",
]  # fmt: skip


@pytest.mark.parametrize("location", LOCATIONS)
@pytest.mark.parametrize("use", [make_session, onnx_file.read, lambda path: OnnxNetwork(path, "cpu").module()])
def test_weights_elsewhere_are_refused(tmp_path, location, use):
    (tmp_path / "secret.bin").write_bytes(VALUES.tobytes())
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "out.bin").symlink_to("../secret.bin")
    (folder / "up").symlink_to("..")
    os.mkfifo(folder / "pipe")
    path = save(folder, model(external(location.format(tmp_path))))
    with pytest.raises(SeehearError, match=r"model\.onnx: the weights 'w' lie in .*folder"):
        use(path)


@pytest.mark.parametrize(
    "facts",
    [
        {"offset": "1"}, {"length": "17"}, {"offset": "-4"}, {"length": "-1"}, {"offset": "many"},
        {"offset": "9" * 30}, {"location": "other.bin"},
    ],
)  # fmt: skip
def test_weights_at_places_that_are_not_there_are_refused(tmp_path, facts):
    (tmp_path / "w.bin").write_bytes(VALUES.tobytes())
    (tmp_path / "other.bin").write_bytes(b"")
    tensor = external("w.bin")
    for key, value in facts.items():
        tensor.external_data.add(key=key, value=value)
    with pytest.raises(SeehearError, match="the weights 'w' lie in"):
        make_session(save(tmp_path, model(tensor)))
    large = external("w.bin")
    large.dims[:] = [1 << 40, 1 << 40]
    with pytest.raises(SeehearError, match="too short"):
        make_session(save(tmp_path, model(large)))


def places() -> dict[str, onnx.ModelProto]:
    """Where else in a model a tensor may be."""
    evil = external("../secret.bin")
    inner = helper.make_graph(
        [], "inner", [], [helper.make_tensor_value_info("w", TensorProto.FLOAT, [4])], initializer=[evil]
    )
    constant = helper.make_node("Constant", [], ["c"], value=evil)
    branch = helper.make_node("If", ["condition"], ["c"], then_branch=inner, else_branch=inner)
    function = helper.make_function("own", "Load", [], ["c"], [constant], [helper.make_opsetid("", 20)])
    sparse = model()
    sparse.graph.sparse_initializer.append(onnx.SparseTensorProto(values=evil, dims=[4]))
    trained = model()
    trained.training_info.add().algorithm.initializer.append(evil)
    default = model(functions=[function])
    default.functions[0].node.pop()
    default.functions[0].attribute_proto.append(helper.make_attribute("value", evil))
    unmarked = model(external("../secret.bin"))
    unmarked.graph.initializer[0].data_location = TensorProto.DEFAULT
    return {
        "attribute": model(None, constant),
        "branch": model(None, branch),
        "function": model(functions=[function]),
        "sparse": sparse,
        "training": trained,
        "default": default,
        "unmarked": unmarked,
    }


@pytest.mark.parametrize("place", list(places()))
def test_no_place_in_a_model_is_overlooked(tmp_path, place):
    (tmp_path / "secret.bin").write_bytes(VALUES.tobytes())
    with pytest.raises(SeehearError, match=r"lie in '\.\./secret\.bin'"):
        make_session(save(tmp_path / "in", places()[place]))


def test_operators_from_libraries_are_refused(tmp_path):
    for domain, kind in (("own", "Evil"), ("ai.onnx.contrib", "PyOp"), ("com.microsoft", "EPContext")):
        node = helper.make_node(kind, ["x"], ["y"], domain=domain)
        with pytest.raises(SeehearError, match=rf"needs the operator {domain}\.{kind}, which is not part"):
            make_session(save(tmp_path, model(None, node)))
        inner = helper.make_graph([node], "inner", [], [])
        branch = helper.make_node("If", ["condition"], ["c"], then_branch=inner, else_branch=inner)
        with pytest.raises(SeehearError, match=rf"needs the operator {domain}\.{kind}"):
            make_session(save(tmp_path, model(None, branch)))


def test_functions_of_the_model_itself_are_run(tmp_path):
    double = helper.make_function(
        "own", "Double", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 20)]
    )
    own = model(functions=[double])
    own.graph.node[0].CopyFrom(helper.make_node("Double", ["x"], ["features"], domain="own"))
    network = OnnxNetwork(save(tmp_path, own), "cpu")
    assert network.features(np.ones((1, 4), np.float32)).tolist() == [[2.0] * 4]


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x09", b"\xff" * 100, b"ORTM" * 10])
def test_what_is_no_model_is_reported(tmp_path, content):
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(SeehearError, match=r"model\.onnx: (is no ONNX file|can't be opened)"):
        make_session(tmp_path / "model.onnx")


def test_sizes_are_bounded(tmp_path, monkeypatch):
    path = save(tmp_path, model())
    monkeypatch.setattr(onnx_file, "MAX_BYTES", 10)
    with pytest.raises(SeehearError, match="larger than an ONNX file can be"):
        make_session(path)
    monkeypatch.undo()
    short = numpy_helper.from_array(VALUES, "w")
    short.dims[:] = [1 << 40, 1 << 20]
    with pytest.raises(SeehearError, match=r"model\.onnx: can't be opened"):
        make_session(save(tmp_path, model(short)))
    with pytest.raises(SeehearError, match=r"none\.onnx: can't be read: No such file"):
        make_session(tmp_path / "none.onnx")
