"""Known answers of the pulse: its length on the depth axis, and the sampling that holds it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insonate.acoustics import pulse
from insonate.errors import InputError


def width_6db(profile, spacing, up=64):
    """Width at half the peak [spacing], by band-limited interpolation."""
    n = len(profile)
    spectrum = np.fft.fft(profile)
    padded = np.zeros(n * up, complex)
    padded[: n // 2], padded[-(n // 2) :] = spectrum[: n // 2], spectrum[-(n // 2) :]
    fine = np.abs(np.fft.ifft(padded)) * up
    return np.count_nonzero(fine >= fine.max() / 2) * spacing / up, fine.max()


def test_k19_axial_width_of_a_point():
    sigma = pulse.axial_sigma(8.0, 0.6)
    assert sigma * pulse.FWHM_PER_SIGMA == pytest.approx(0.1416, rel=0.03)
    assert sigma * pulse.FWHM_PER_SIGMA == pytest.approx(0.4413 * 0.1925 / 0.6, rel=1e-3)


def test_k19_sampled_kernel_has_the_width_and_no_ripple():
    spacing, sigma = 150.0 / 3072, pulse.axial_sigma(8.0, 0.6)
    kernel = np.pad(pulse.axial_kernel(sigma, spacing), 32)[:64]
    width, _ = width_6db(kernel, spacing)
    assert width == pytest.approx(0.1416, rel=0.03)
    peaks = []
    for shift in np.linspace(0, 1, 9):
        z = (np.arange(64) - 32 + shift) * spacing
        peaks.append(width_6db(np.exp(-0.5 * (z / sigma) ** 2), spacing)[1])
    assert 20 * np.log10(max(peaks) / min(peaks)) < 0.3


@given(st.floats(0.01, 1.0), st.floats(0.005, 0.2))
def test_kernel_has_unit_energy_and_odd_length(sigma, spacing):
    kernel = pulse.axial_kernel(sigma, spacing)
    assert len(kernel) % 2 == 1
    assert np.sum(kernel.astype(float) ** 2) == pytest.approx(1.0, abs=1e-5)
    assert np.array_equal(kernel, kernel[::-1])


def test_k44_sampling_limits():
    assert pulse.sampling_rate(3072, 150.0) == pytest.approx(15.77, abs=0.005)
    pulse.check_sampling(3072, 150.0, 8.0, 0.6)
    with pytest.raises(InputError, match=r"below the RF Nyquist limit of 28\.2 MHz"):
        pulse.check_sampling(3072, 150.0, 8.0, 0.6, radio_frequency=True)
    pulse.check_sampling(5500, 150.0, 8.0, 0.6, radio_frequency=True)
    with pytest.raises(InputError, match=r"below the IQ Nyquist limit of 12\.2 MHz"):
        pulse.check_sampling(2300, 150.0, 8.0, 0.6)


def test_k44_error_names_the_least_number_that_passes():
    with pytest.raises(InputError, match="at least") as caught:
        pulse.check_sampling(1000, 150.0, 8.0, 0.6)
    least = int(str(caught.value).split("at least ")[1].split()[0])
    pulse.check_sampling(least, 150.0, 8.0, 0.6)
    with pytest.raises(InputError):
        pulse.check_sampling(least - 1, 150.0, 8.0, 0.6)


def test_k8_depth_of_an_echo_on_the_display():
    # 77 mm at 1.54 mm/us is 100 us there and back; in bins of 150 mm / 3072 that is 1576.96
    time = 2 * 77.0 / pulse.DISPLAY_SPEED
    assert time == pytest.approx(100.0)
    assert time * pulse.sampling_rate(3072, 150.0) == pytest.approx(1576.96)
