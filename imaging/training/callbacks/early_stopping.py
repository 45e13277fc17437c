"""Early stopping."""

from pytorch_lightning.callbacks import EarlyStopping

from imaging.quality import VALIDATION
from imaging.settings import Count, NotNegative
from imaging.training.callbacks import CALLBACKS


@CALLBACKS.register("early_stopping")
def early_stopping(patience: Count = 5, min_delta: NotNegative = 0.0) -> EarlyStopping:
    """Stop after `patience` validations without an improvement of more than `min_delta` dB over the best."""
    return Stopping("", mode="max", patience=patience, min_delta=min_delta)


class Stopping(EarlyStopping):
    """Lightning's callback, which looks at the PSNR or, without clean images, at the expected PSNR."""

    def setup(self, trainer, pl_module, stage) -> None:
        super().setup(trainer, pl_module, stage)
        self.monitor = VALIDATION[not trainer.datamodule.clean]
