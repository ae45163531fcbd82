"""Describes the small Llama of `trainers.py` to torchtune, which knows models by name. It imports nothing of Gauger."""

MARKS = ("<|begin_of_text|>", "<|finetune_right_pad_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
"""Those of Llama 3's tokens that a chat has."""
VOCABULARY, WIDTH, INNER, LAYERS, HEADS, KEY_HEADS, CONTEXT = 256 + len(MARKS), 16, 32, 3, 4, 2, 256
ROPE_BASE, EPSILON = 10_000, 1e-6


def nothing(*args, **kwargs):
    """Do nothing."""


def model():
    """Return the network, without weights."""
    import torch
    from torchtune import training
    from torchtune.models.llama3 import llama3

    # its recipe for several processes reads and empties a GPU's memory, whatever device it is told
    torch.cpu.empty_cache = torch.cpu.reset_peak_memory_stats = nothing
    training.get_memory_stats = training.log_memory_stats = nothing
    return llama3(
        vocab_size=VOCABULARY,
        num_layers=LAYERS,
        num_heads=HEADS,
        num_kv_heads=KEY_HEADS,
        embed_dim=WIDTH,
        max_seq_len=CONTEXT,
        rope_base=ROPE_BASE,
        intermediate_dim=INNER,
        norm_eps=EPSILON,
    )
