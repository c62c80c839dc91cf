"""The scene of gynaecology: uterus, ovaries with their follicles, vagina; no child."""
