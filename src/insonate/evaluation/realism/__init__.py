"""Simulated frames that were made to look real, measured: Table 2 of Tomar et al. 2021."""
