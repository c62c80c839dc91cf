"""What a card says in tests."""

from insonate.recipe.card import Material, Statement

SAID = Statement(
    about="A test.",
    licence="CC0",
    data=(Material("noise", "CC0", "twelve frames"),),
    limits=("random weights",),
    figures={"SSIM": "0.1 (n = 12)"},
)

CARD = """
about: A test.
licence: CC0
data: [{name: noise, licence: CC0, about: twelve frames}]
limits: [random weights]
figures: {SSIM: 0.1 (n = 12)}
"""
