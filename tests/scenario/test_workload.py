import numpy as np
import pytest

from rasolve.errors import InputError
from rasolve.scenario.workload import Profile, Transformer, architecture


def test_gpt2_small_has_the_published_figures():
    p = architecture("gpt2-s").profile()
    assert p.blocks == 12
    assert p.forward_flops[3] == pytest.approx(8.053e9, rel=1e-4)
    assert p.head_forward_flops == pytest.approx(39.52e9, rel=1e-4)
    assert (p.activation_bits == 512 * 768 * 32).all() and p.activation_bits[0] == pytest.approx(12.58e6, rel=1e-3)
    assert (p.adapter_params == 3072).all()


def test_backward_with_frozen_weights_costs_about_as_much_as_forward():
    p = architecture("gpt2-s").profile()
    ratio = (p.forward_flops + p.backward_flops) / p.forward_flops
    assert ratio[1:] == pytest.approx(2.1, abs=0.01)
    assert ratio[0] < ratio[1], "the lowest block's input needs no gradient"
    assert (p.adapter_backward_flops[1:] == 2 * p.adapter_forward_flops[1:]).all()


def test_label_bits_hold_the_vocabulary_in_whole_bytes():
    assert architecture("gpt-mini").label_bits == 64 * 8
    assert architecture("gpt2-s").label_bits == 512 * 16


def test_doubling_the_precision_doubles_what_is_sent_and_stored():
    single, double = (architecture("gpt-mini").profile(bits) for bits in (32, 64))
    assert (double.activation_bits == 2 * single.activation_bits).all()
    assert (double.weight_bytes == 2 * single.weight_bytes).all()
    assert (double.forward_flops == single.forward_flops).all()
    assert double.adapter_bits(2, 4) == 2 * single.adapter_bits(2, 4) == 2 * 4 * 2 * 4 * 64 * 32


def test_device_memory_grows_with_the_cut():
    p = architecture("gpt-mini").profile()
    memory = p.device_bytes(16)
    assert memory[0] == p.embedding_bytes and (np.diff(memory) > 0).all() and memory.shape == (p.blocks + 1,)


def test_profile_round_trips_with_its_architecture():
    p = architecture("gpt-mini").profile()
    again = Profile.from_json(p.to_json())
    assert again.architecture.name == "gpt-mini"
    assert (again.backward_flops == p.backward_flops).all()


def test_bad_architectures():
    with pytest.raises(InputError, match="unknown model 'gpt2s'; did you mean gpt2-s"):
        architecture("gpt2s")
    with pytest.raises(InputError, match="width = 10: must be a multiple of heads = 4"):
        Transformer(name="odd", blocks=1, width=10, heads=4, tokens=8, vocabulary=16)
    with pytest.raises(InputError, match="blocks = 0: must be at least 1"):
        Transformer(name="none", blocks=0, width=8, heads=4, tokens=8, vocabulary=16)
