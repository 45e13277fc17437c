# %% [markdown]
# # Deconvolution: Wiener, network, both
#
# A camera that shakes, or a lens out of focus, convolves the image: y = A x + n. In the Fourier domain a
# circular convolution is a product, Y = H X + N, with the otf H of the psf. To divide by H would be exact
# without noise. With noise it is hopeless where |H| is small.

# %%
import matplotlib.pyplot as plt
import torch

import imaging
from imaging.metrics import psnr
from imaging.models import build_model
from imaging.physics import Blur
from imaging.randomness import generator

PSF = {"name": "digit"}  # 7×7: the first training digit of MNIST, sampled
(_, image), *_ = imaging.data("bundled", crop=[240, 320]).test_images()
x = image[None] / 255
operator, sigma = Blur(PSF), 0.01
y = operator(x) + sigma * torch.randn(x.shape, generator=generator("noise", 0))

# %%
kernel = torch.zeros(x.shape[-2:])
kernel[:7, :7] = operator.psf
kernel = kernel.roll((-3, -3), (0, 1))  # the centre is at (0, 0)
otf = torch.fft.fft2(kernel)
torch.testing.assert_close(torch.fft.ifft2(otf * torch.fft.fft2(x)).real, operator(x), rtol=0, atol=1e-5)
print(f"|H| is 1 at frequency 0, and {otf.abs().min():.4f} at its smallest")


def wiener(y, snr):
    """conj(H) / (|H|² + 1/snr) · Y"""
    return torch.fft.ifft2(otf.conj() / (otf.abs() ** 2 + 1 / snr) * torch.fft.fft2(y)).real


torch.testing.assert_close(
    wiener(y, 100), build_model({"name": "wiener", "psf": PSF, "snr": 100.0})(y), rtol=0, atol=1e-4
)
for snr in (10, 100, 1000, 1e6):
    print(f"SNR {snr:g}: {psnr(wiener(y, snr), x).item():.2f} dB")

# %% [markdown]
# A small SNR leaves blur, a large one lets the noise through. No single SNR is right: most of
# a photograph's energy is at low frequencies. A network that has seen photographs knows more.
#
# `deconvolver-unet` is a U-Net on y alone. `deconvolver-wiener-pair` is both: U-Nets on y and two Wiener
# filters of it.

# %%
unet = imaging.load("deconvolver-unet")
both = imaging.load("deconvolver-wiener-pair")
versions = {
    "x": x,
    "y": y,
    "Wiener, SNR 100": wiener(y, 100),
    "U-Net": unet(y),
    "both": both(y, sigma=sigma, boundary="circular"),
}
figure, axes = plt.subplots(1, 5, figsize=(15, 2.8), layout="constrained")
for axis, (title, version) in zip(axes, versions.items(), strict=True):
    axis.imshow(version[0, :, 60:160, 100:230].clamp(0, 1).permute(1, 2, 0))
    axis.set_title(title if version is x else f"{title}: {psnr(version, x).item():.2f} dB")
    axis.set_axis_off()
plt.show()
values = {title: psnr(version, x).item() for title, version in versions.items()}
assert values["y"] < values["Wiener, SNR 100"] < values["U-Net"] < values["both"]

# %% [markdown]
# The study, with training, seeds and intervals: `python train.py sweep=deconvolution data=bsds300
# seed=0,1,2`.
