"""Some published scores of the word-problem protocols, to print beside one's own.

Value accuracy in per cent. SVAMP, ASDiv-A and MAWPS are a selection of the seventeen models in
MWPToolkit's README, the best one included (Lan et al. 2021, arXiv:2109.00799). GSM8K: nanochat's
README (speedrun, SFT).
"""

PUBLISHED: dict[str, tuple[tuple[str, float], ...]] = {
    "svamp": (
        ("Transformer", 20.7),
        ("DNS", 24.2),
        ("AttSeq", 25.4),
        ("GPT-2", 25.7),
        ("GTS", 29.1),
        ("SAU-Solver", 29.7),
        ("RoBERTaGen", 30.3),
        ("MultiE&D", 32.4),
        ("Graph2Tree", 35.0),
    ),
    "asdiv": (
        ("Transformer", 59.3),
        ("GTS", 69.9),
        ("SAU-Solver", 71.2),
        ("Graph2Tree", 75.3),
    ),
    "mawps": (("LSTMVAE", 88.2), ("RoBERTaGen", 88.4)),
    "gsm8k": (("nanochat d20, 561M parameters, 32 H100-hours", 4.6),),
    "mathqa": (),
}
"""Model and score, by protocol, the worst first."""
