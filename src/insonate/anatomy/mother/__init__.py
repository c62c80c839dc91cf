"""The mother: her abdominal wall, pelvis, bladder, bowel, vessels and ovaries."""
