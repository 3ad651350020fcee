"""The film: pure, neutral where it should be, and right in what it does to light."""

import cv2
import numpy as np
import pytest

from blender_scenes.sensor import expose
from pipeline.records.scene import SensorSettings

NEUTRAL = SensorSettings()
FULL = SensorSettings(
    grey=True,
    exposure=1.2,
    contrast=1.3,
    fog=0.04,
    vignetting=0.4,
    blur_sigma_px=0.6,
    sharpening=1.5,
    grain=0.02,
    grain_size_px=0.6,
    specks=10,
    scratches=2,
    seed=5,
)


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def _flat(level: int) -> np.ndarray:
    return _light(np.full((101, 121, 3), level, np.uint8))


def _light(levels: np.ndarray) -> np.ndarray:
    """Scene-linear light of sRGB levels (IEC 61966-2-1, inverse)."""
    encoded = levels / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def test_neutral_settings_change_nothing(picture):
    light = _light(picture)
    np.testing.assert_array_equal(expose(light, NEUTRAL), picture)
    np.testing.assert_array_equal(expose(light, SensorSettings(seed=99)), picture)


def test_grey_is_opencv_luma(picture):
    grey = expose(_light(picture), SensorSettings(grey=True))
    assert grey.shape == (40, 60)
    expected = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    assert np.abs(grey.astype(int) - expected).max() <= 1


def test_same_settings_same_photograph(picture):
    picture = _light(picture)
    before = picture.copy()
    np.testing.assert_array_equal(expose(picture, FULL), expose(picture, FULL))
    np.testing.assert_array_equal(picture, before)
    other = expose(picture, FULL.model_copy(update={"seed": 6}))
    assert (other != expose(picture, FULL)).any()


def test_exposure_is_a_factor_on_light():
    # 128 / 255 is 0.2159 of full scale in linear light (IEC 61966-2-1); twice that is 175 / 255.
    assert abs(int(expose(_flat(128), SensorSettings(exposure=2))[0, 0, 0]) - 175) <= 1


def test_vignetting_takes_its_share_of_the_corner_light():
    dark = expose(_flat(200), SensorSettings(vignetting=0.5)).astype(float)
    assert dark[50, 60, 0] == 200
    corner = _light(dark)[0, 0, 0] / _flat(200)[0, 0, 0]
    assert corner == pytest.approx(0.5, abs=0.02)
    np.testing.assert_array_equal(dark, dark[::-1, ::-1])


def test_contrast_turns_about_mid_grey_and_fog_lifts_black():
    assert expose(_flat(178), SensorSettings(contrast=1.5))[0, 0, 0] == round(127.5 + 1.5 * 50.5)
    assert expose(_flat(0), SensorSettings(fog=0.1))[0, 0, 0] == 26
    assert expose(_flat(255), SensorSettings(fog=0.1))[0, 0, 0] == 255


def test_grain_has_the_asked_standard_deviation_in_mid_grey():
    grained = expose(_flat(128), SensorSettings(grain=0.04, grain_size_px=0.8)).astype(float)
    assert grained.std() == pytest.approx(0.04 * 255, rel=0.03)
    assert expose(_flat(5), SensorSettings(grain=0.04)).std() < 0.7 * grained.std()


def test_sharpening_leaves_flat_parts_and_overshoots_at_edges():
    np.testing.assert_array_equal(expose(_flat(90), SensorSettings(sharpening=2)), 90)
    step = np.concatenate([_flat(80)[:, :60], _flat(160)[:, 60:]], axis=1)
    sharp = expose(step, SensorSettings(sharpening=1.0))
    assert sharp.min() < 80
    assert sharp.max() > 160


def test_film_damage_only_brightens():
    marred = expose(_flat(60), SensorSettings(specks=30, scratches=3, seed=1)).astype(int)
    assert (marred >= 60).all()
    assert 0 < (marred > 60).mean() < 0.2


def test_shot_noise_has_the_variance_of_counted_electrons():
    # 0.25 of 4000 electrons: 1000 counted, standard deviation sqrt(1000 + 10^2).
    settings = SensorSettings(full_well_e=4000, read_noise_e=10, seed=3)
    grey = np.full((200, 200, 3), 0.25, np.float32)
    counted = _light(expose(grey, settings)) * 4000
    assert counted.mean() == pytest.approx(1000, rel=0.01)
    assert counted.std() == pytest.approx(np.sqrt(1000 + 100), rel=0.05)


def test_white_balance_scales_red_and_blue_light():
    light = np.full((4, 4, 3), 0.2, np.float32)
    balanced = _light(expose(light, SensorSettings(red_gain=2.0, blue_gain=0.5)))
    np.testing.assert_allclose(balanced[0, 0], [0.4, 0.2, 0.1], atol=0.003)


def test_jpeg_is_that_of_pillow(picture):
    import io

    from PIL import Image

    smooth = cv2.GaussianBlur(picture, (0, 0), 3)
    stream = io.BytesIO()
    Image.fromarray(smooth).save(stream, "JPEG", quality=50, subsampling="4:2:0")
    expected = np.asarray(Image.open(stream)).astype(int)
    compressed = expose(_light(smooth), SensorSettings(jpeg_quality=50)).astype(int)
    assert np.abs(compressed - expected).mean() < 2
    assert (compressed != smooth).any()


def test_unlit_edges_are_black_and_the_rest_stays():
    light = _flat(200)
    rimmed = expose(light, SensorSettings(dark_rim_px=2, dark_top_px=3))
    assert (rimmed[5:-2, 2:-2] == expose(light, NEUTRAL)[5:-2, 2:-2]).all()
    rimmed[5:-2, 2:-2] = 0
    assert (rimmed == 0).all()
