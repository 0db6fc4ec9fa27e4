"""Starting a CVAE-JETS from weights that are there: another one's, a VITS2's, a phoneme encoder's.

Everything is matched by name. From a VITS2 come speakers, posterior and flow, which must have the same sizes; its
decoder, if it is of the same make; and what its text encoder knows of symbols, languages and speakers, with its layers
if this one is the same transformer. Aligner, variance adaptor and prior then begin anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sonorant.config import plain
from sonorant.data.prepare import Tables
from sonorant.errors import ConfigError, TrainingError
from sonorant.models.cvae_jets.model import CvaeJets
from sonorant.models.encoder_start import PHONEME_ENCODER, start_from_encoder
from sonorant.nn.text_encoder import TextEncoderConfig
from sonorant.training.stage import differences
from sonorant.training.transfer import RowTable, Source, Transferred, silence, transfer

SYSTEM = "cvae_jets"
_OURS_ALONE = ("statistics.*", "aligner.*", "pitch.*", "energy.*", "duration.*", "prior.*", "frames.*")
_OF_SPEAKERS = ("speaker.*", "*.condition.*", "*speaker.weight", "*speaker.bias")
_FREE = ("dropout", "std_scale")
"""Settings that the same weights may have otherwise."""
_THEIRS_ALONE = ("duration.", "text_encoder.output.")
_LAYERS = "text_encoder.layers."
_OF_LATENT = ("d_latent", "posterior", "flow")


def start_from(source: Source, network: CvaeJets, tables: Tables) -> Transferred:
    """Fill a network in training with a source's weights.

    Raises ConfigError when the source is of another system, and TrainingError where its weights do not fit.
    """
    cfg = network.cfg
    languages = [language.code for language in tables.frontend.languages]
    if source.system == PHONEME_ENCODER:
        if not isinstance(cfg.text_encoder, TextEncoderConfig):
            raise TrainingError(
                f"{source.name}: is a phoneme encoder, a transformer, but model.text_encoder.kind is "
                f"{cfg.text_encoder.kind}: set it to transformer, with the source's sizes"
            )
        return start_from_encoder(
            source,
            network,
            d_hidden=cfg.d_hidden,
            text_encoder=cfg.text_encoder,
            symbols=tables.symbols,
            languages=languages,
        )
    if source.system not in (SYSTEM, "vits2"):
        raise ConfigError(
            f"{source.name}: is a {source.system}, but a CVAE-JETS starts from another, a VITS2 or a phoneme encoder"
        )
    fresh, left, resized = ["text_encoder.language.weight"], ["text_encoder.language.weight"], ["statistics.*"]
    useless: tuple[str, ...] = ()
    if source.system == "vits2":
        _refuse_other_latents(source, network)
        fresh += _OURS_ALONE
        useless = _THEIRS_ALONE
        fresh.append("text_encoder.speaker.*")
        left.append("text_encoder.speaker.*")
        if _kept(source.model["text_encoder"]) != _kept(plain(cfg.text_encoder)):
            # Some of a transformer's weights have names and shapes as a Conformer's, but not the same meaning.
            useless += (_LAYERS,)
            fresh.append(f"{_LAYERS}*")
        if source.model["decoder"] != plain(cfg.decoder):
            fresh.append("decoder.*")
            left.append("decoder.*")
            resized.append("decoder.*")
    else:
        others = [said for said in differences(dict(source.model), plain(cfg), at="model") if not _is_free(said)]
        if others:
            raise TrainingError(f"{source.name}: has another {others[0]}; give the model the source's configuration")
    if network.speaker is None:
        left += _OF_SPEAKERS
    elif not source.has("speaker."):
        fresh += _OF_SPEAKERS
    if not source.has("posterior."):
        fresh.append("posterior.*")
    if not source.has("aligner."):
        fresh.append("aligner.*")
    dropped = tuple(name for name in source.weights if name.startswith(useless))
    outcome = transfer(
        replace(source, weights={name: weight for name, weight in source.weights.items() if name not in dropped}),
        network,
        tables=(
            RowTable("text_encoder.embedding.weight", source.symbols, tables.symbols),
            RowTable.of_lists("text_encoder.language.weight", source.languages, languages),
            RowTable.of_lists("speaker.weight", source.speakers, tables.speakers, others="mean"),
        ),
        may_be_fresh=fresh,
        may_be_resized=resized,
        may_be_left=left,
    )
    # What a speaker adds to what knew of none begins without effect.
    unknown = "text_encoder.speaker." if source.has("speaker.") else ""
    silence(network, [name for name in outcome.fresh if name.startswith(unknown) and _adds_speaker(name)])
    return replace(outcome, left_over=(*outcome.left_over, *dropped))


def _adds_speaker(name: str) -> bool:
    """Whether a weight brings a speaker's embedding into the rest."""
    return ".condition." in name or "speaker." in name.partition(".")[2]


def _is_free(difference: str) -> bool:
    """Whether it is of a setting that the same weights may have otherwise."""
    return difference.split(":")[0].rpartition(".")[2] in _FREE


def _refuse_other_latents(source: Source, network: CvaeJets) -> None:
    cfg, theirs = network.cfg, source.model
    if cfg.latent is None:
        raise TrainingError(f"{source.name}: has a latent, but model.latent is null: there is nothing to take over")
    ours: dict[str, Any] = {
        "spectrogram": plain(cfg.spectrogram),
        "mel": plain(cfg.mel),
        "d_hidden": cfg.d_hidden,
        "d_speaker": cfg.d_speaker,
        "latent": {name: plain(cfg.latent)[name] for name in _OF_LATENT},
    }
    named_as_ours: dict[str, Any] = {
        **{name: theirs[name] for name in ("spectrogram", "d_hidden", "d_speaker")},
        "mel": theirs["posterior_mel"],
        "latent": {name: theirs[name] for name in _OF_LATENT},
    }
    if others := differences(named_as_ours, ours, at="model"):
        raise TrainingError(f"{source.name}: has another {others[0]}; give the model the source's sizes")


def _kept(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a text encoder that decide which weights fit."""
    return {name: value for name, value in settings.items() if name not in (*_FREE, "speaker_layer", "log_std_bounds")}
