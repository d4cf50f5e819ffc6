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


def test_profile_round_trips_with_its_architecture():
    for name in ("gpt-mini", "vit-mini"):
        p = architecture(name).profile()
        again = Profile.from_json(p.to_json())
        assert type(again.architecture) is type(p.architecture) and again.architecture.name == name
        assert (again.backward_flops == p.backward_flops).all()
        assert again.embedding_forward_flops == p.embedding_forward_flops


def test_bad_architectures():
    with pytest.raises(InputError, match="unknown model 'gpt2s'; did you mean gpt2-s"):
        architecture("gpt2s")
    with pytest.raises(InputError, match="width = 10: must be a multiple of heads = 4"):
        Transformer(name="odd", blocks=1, width=10, heads=4, tokens=8, vocabulary=16)
    with pytest.raises(InputError, match="blocks = 0: must be at least 1"):
        Transformer(name="none", blocks=0, width=8, heads=4, tokens=8, vocabulary=16)
    with pytest.raises(InputError, match="image = 10: must be a multiple of patch = 4"):
        architecture("vit-mini").replace(image=10)
    with pytest.raises(InputError, match="width = 10: must be a multiple of heads = 4"):
        architecture("vit-mini").replace(width=10)


def test_a_bad_architecture_in_a_document_names_its_own_field_alone():
    p = architecture("gpt-mini").profile()
    body = {name: getattr(p, name) for name in Profile.model_fields}
    for name, field in (("gpt-mini", "vocabulary"), ("vit-mini", "classes")):
        shape = {**architecture(name).model_dump(), field: 1}
        with pytest.raises(InputError, match=f"{field} = 1: must be at least 2"):
            Profile(**{**body, "architecture": shape})
    with pytest.raises(InputError, match="unknown field of transformer 'wdth'; did you mean width"):
        Profile(**{**body, "architecture": {**architecture("gpt-mini").model_dump(), "wdth": 1}})


def test_a_vision_transformer_is_a_decoder_of_its_patches_and_a_class_token():
    vit = architecture("vit-mini")
    assert (vit.tokens, vit.patches, vit.patch_values, vit.label_bits) == (17, 16, 16, 8)
    decoder = Transformer(name="same", blocks=4, width=64, heads=4, tokens=17, vocabulary=10)
    mine, its = vit.profile(), decoder.profile()
    assert (mine.forward_flops == its.forward_flops).all()
    assert (mine.saved_activation_bytes == its.saved_activation_bytes).all()
    assert its.head_forward_flops == 17 * mine.head_forward_flops
    assert mine.embedding_forward_flops == 2 * 16 * 16 * 64 and its.embedding_forward_flops == 0
    assert vit.replace(classes=300).label_bits == 16
