"""Network blocks, which know nothing of ultrasound."""
