"""What no parcel can be: it shows that units were mixed up."""

DENSEST_G_PER_CM3 = 12.0  # lead has 11.3
LIGHTEST_G_PER_CM3 = 0.002  # a box of air


def is_plausible(weight_g: float, volume_cm3: float) -> bool:
    """Whether it is heavier than air and lighter than lead."""
    return LIGHTEST_G_PER_CM3 <= weight_g / volume_cm3 <= DENSEST_G_PER_CM3
