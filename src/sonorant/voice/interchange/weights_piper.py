"""Piper voices (`NAME.onnx`): the weights and the architecture, read back out of the inference graph.

Exporting loses names: weight norm is multiplied out into weights called `onnx::Conv_1234`, and a table may be called
after a graph input. The *nodes* keep the module's path in their name, so weights are found through the node that uses
them. What only training uses is not in the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sonorant.errors import ImportingError, MissingExtraError
from sonorant.models.vits.config import VitsConfig
from sonorant.voice.interchange.weights_layout import ForeignModel
from sonorant.voice.interchange.weights_vits import OFFICIAL, network_config

if TYPE_CHECKING:
    import onnx

_ROOTS = ("enc_p", "dp", "flow", "dec", "emb_g")
_PATH = re.compile(rf"(?:{'|'.join(_ROOTS)})(?:\..+)?")


@dataclass(frozen=True)
class _Graph:
    """The weights of a graph under the official names, and what its convolutions say of themselves."""

    state: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    strides: dict[str, int] = field(default_factory=dict)
    dilations: dict[str, int] = field(default_factory=dict)


def read_network(path: Path, *, sample_rate_hz: int) -> ForeignModel:
    """The network in a Piper `.onnx`, its architecture inferred from the graph.

    sample_rate_hz: from the `.onnx.json`; the graph does not say it.
    Raises ImportingError when the file is no Piper voice, MissingExtraError without the package onnx.
    """
    graph = _read(path)
    state = {name: torch.from_numpy(np.array(value, dtype=np.float32)) for name, value in graph.state.items()}
    try:
        cfg = _architecture(state, graph, sample_rate_hz, source=str(path))
    except (LookupError, ZeroDivisionError) as error:
        raise ImportingError(f"{path}: is not a Piper voice, or is broken (no weights for {error})") from None
    ours = OFFICIAL.state_to_ours(state, source=str(path))
    table, speakers = state["enc_p.emb.weight"], state.get("emb_g.weight")
    return ForeignModel(
        cfg=cfg,
        n_symbols=table.shape[0],
        n_speakers=1 if speakers is None else speakers.shape[0],
        state=ours,
    )


def _read(path: Path) -> _Graph:
    model = _parse(path)
    arrays = _arrays(model, path)
    found = _Graph()
    for name, array in arrays.items():
        if _PATH.fullmatch(name):
            found.state[name] = array
    for node in model.graph.node:
        module = _module(node)
        weights = [arrays.get(name) for name in node.input]
        match node.op_type:
            case "Conv" | "ConvTranspose" if module is not None and len(weights) > 1 and weights[1] is not None:
                found.state[f"{module}.weight"] = weights[1]
                if len(weights) > 2 and weights[2] is not None:
                    found.state[f"{module}.bias"] = weights[2]
                found.strides[module] = _first(node, "strides")
                found.dilations[module] = _first(node, "dilations")
            case "Gather" if weights[0] is not None and weights[0].ndim == 2:
                if module == "enc_p.emb" or node.input[1] == "input":
                    found.state["enc_p.emb.weight"] = weights[0]
                elif module == "emb_g" or node.input[1] == "sid":
                    found.state["emb_g.weight"] = weights[0]
            case "Sub" if module == "dp.flows.0" and weights[1] is not None:
                found.state["dp.flows.0.m"] = weights[1]
            case "Mul" if module == "dp.flows.0" and weights[1] is not None and weights[1].shape == (2, 1):
                # Folded to exp(-logs).
                found.state["dp.flows.0.logs"] = -np.log(weights[1])
            case "Mul" | "Add" | "LayerNormalization" if module is not None and ".norm" in module:
                _take_norm(found, module, node.op_type, weights)
            case _:
                pass
    return found


def _take_norm(found: _Graph, module: str, op: str, weights: list[np.ndarray[Any, Any] | None]) -> None:
    """Layer norm, whole or in pieces. Exporters merge equal tensors, so its own names may be gone."""
    names = {"Mul": {1: "gamma"}, "Add": {1: "beta"}, "LayerNormalization": {1: "gamma", 2: "beta"}}[op]
    for position, name in names.items():
        if position < len(weights) and (weight := weights[position]) is not None and weight.ndim == 1:
            found.state[f"{module}.{name}"] = weight


def _parse(path: Path) -> onnx.ModelProto:
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise MissingExtraError("reading a Piper voice", package="onnx", extra="onnx") from None
    try:
        model = onnx.load(str(path), load_external_data=False)
    except OSError as error:
        raise ImportingError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (DecodeError, ValueError):
        raise ImportingError(f"{path}: is not an ONNX file, or is broken") from None
    if not model.graph.node or not model.graph.input:
        raise ImportingError(f"{path}: is not an ONNX file, or is broken (its graph is empty)")
    return model


def _arrays(model: onnx.ModelProto, path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """The floating-point tensors stored in a graph, by name."""
    from onnx import TensorProto, numpy_helper

    stored: list[tuple[str, Any]] = [(tensor.name, tensor) for tensor in model.graph.initializer]
    for node in model.graph.node:
        if node.op_type == "Constant" and node.output:
            stored += [(node.output[0], attribute.t) for attribute in node.attribute if attribute.name == "value"]
    arrays = {}
    for name, tensor in stored:
        if tensor.data_type not in (TensorProto.FLOAT, TensorProto.FLOAT16):
            continue
        if tensor.data_location == TensorProto.EXTERNAL:
            raise ImportingError(f"{path}: keeps its weights in another file, as no Piper voice does")
        try:
            arrays[name] = numpy_helper.to_array(tensor)
        except (ValueError, TypeError):
            raise ImportingError(f"{path}: is broken: the data of {name!r} does not fit its shape") from None
    return arrays


def _module(node: Any) -> str | None:
    """The official name of the module a node belongs to; None if it does not say."""
    path: str = node.name.strip("/").rpartition("/")[0].replace("/", ".")
    if _PATH.fullmatch(path):
        return path
    # Before torch 1.13 nodes were called Conv_12; the bias keeps its name where the weight does not.
    for name in reversed([str(name) for name in node.input]):
        stem, _, leaf = name.rpartition(".")
        if leaf in ("weight", "bias", "gamma", "beta", "m") and _PATH.fullmatch(stem):
            return stem
    return None


def _first(node: Any, name: str) -> int:
    return next((attribute.ints[0] for attribute in node.attribute if attribute.name == name and attribute.ints), 1)


def _architecture(state: dict[str, Tensor], graph: _Graph, sample_rate_hz: int, *, source: str) -> VitsConfig:
    """The configuration that shapes, strides and dilations imply. KeyError names the first weight not found."""

    def shape(name: str, dims: int) -> tuple[int, ...]:
        found = tuple(state[name].shape)
        if len(found) != dims:
            raise ImportingError(f"{source}: {name} has {len(found)} dimensions, but a Piper voice has {dims}")
        return found

    def count(pattern: str) -> int:
        return len(_indices(state, pattern))

    d_hidden = shape("enc_p.emb.weight", 2)[1]
    _, n_distances, d_head = shape("enc_p.encoder.attn_layers.0.emb_rel_k", 3)
    d_filter, _, kernel = shape("enc_p.encoder.ffn_layers.0.conv_1.weight", 3)
    duration: dict[str, Any]
    if "dp.flows.0.m" in state:
        flows = _indices(state, r"dp\.flows\.(\d+)\.pre\.weight")
        duration = {
            "kind": "stochastic",
            "kernel": shape("dp.convs.convs_sep.0.weight", 3)[2],
            "n_layers": count(r"dp\.convs\.convs_sep\.(\d+)\.weight"),
            "n_couplings": (max(flows, default=0) + 1) // 2,
            "n_bins": (shape(f"dp.flows.{max(flows, default=0)}.proj.weight", 3)[0] + 1) // 3,
        }
    else:
        d_duration, _, duration_kernel = shape("dp.conv_1.weight", 3)
        duration = {"kind": "deterministic", "d_filter": d_duration, "kernel": duration_kernel}
    in_layers = r"flow\.flows\.0\.enc\.in_layers\.(\d+)\.weight"
    speakers = state.get("emb_g.weight")
    decoder = _decoder(shape, count, graph)
    return network_config(
        VitsConfig,
        {
            "spectrogram": {"sample_rate_hz": sample_rate_hz, "hop": int(np.prod(decoder["upsample_rates"]))},
            "d_hidden": d_hidden,
            "d_latent": shape("enc_p.proj.weight", 3)[0] // 2,
            "d_speaker": 512 if speakers is None else speakers.shape[-1],
            "text_encoder": {
                "d_filter": d_filter,
                "n_heads": d_hidden // d_head,
                "n_layers": count(r"enc_p\.encoder\.attn_layers\.(\d+)\.conv_q\.weight"),
                "kernel": kernel,
                "window": n_distances // 2,
            },
            "flow": {
                "n_couplings": count(r"flow\.flows\.(\d+)\.pre\.weight"),
                "wavenet": {
                    "n_layers": count(in_layers),
                    "kernel": shape("flow.flows.0.enc.in_layers.0.weight", 3)[2],
                    "dilation_rate": graph.dilations.get("flow.flows.0.enc.in_layers.1", 1),
                },
            },
            "duration": duration,
            "decoder": decoder,
        },
        source=source,
    )


def _decoder(
    shape: Callable[[str, int], tuple[int, ...]], count: Callable[[str], int], graph: _Graph
) -> dict[str, Any]:
    n_stages = count(r"dec\.ups\.(\d+)\.weight")
    n_kernels = count(r"dec\.resblocks\.(\d+)\.convs1?\.0\.weight") // n_stages
    convs = "convs1" if "dec.resblocks.0.convs1.0" in graph.dilations else "convs"
    stages = [f"dec.ups.{i}" for i in range(n_stages)]
    return {
        "d_initial": shape("dec.conv_pre.weight", 3)[0],
        "upsample_rates": [graph.strides[stage] for stage in stages],
        "upsample_kernels": [shape(f"{stage}.weight", 3)[2] for stage in stages],
        "resblock": "1" if convs == "convs1" else "2",
        "resblock_kernels": [shape(f"dec.resblocks.{i}.{convs}.0.weight", 3)[2] for i in range(n_kernels)],
        "resblock_dilations": [
            [
                graph.dilations[f"dec.resblocks.{i}.{convs}.{j}"]
                for j in range(count(rf"dec\.resblocks\.{i}\.{convs}\.(\d+)\.weight"))
            ]
            for i in range(n_kernels)
        ],
    }


def _indices(names: Iterable[str], pattern: str) -> set[int]:
    """The numbers in the pattern's group, over the names that match it."""
    return {int(match[1]) for name in names if (match := re.fullmatch(pattern, name))}
