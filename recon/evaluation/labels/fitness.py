"""Whether a network can be evaluated on labelled images at all: tried on the first one, before hours of work."""

from recon.errors import ReconError
from recon.evaluation.labels.study import LabelStudy
from recon.evaluation.models import Model
from recon.evaluation.studies import first_readable


def misfit(model: Model, study: LabelStudy) -> str:
    """Say why a network cannot label images of these data, or nothing."""
    image = first_readable(study.data).input[None].to(study.device)
    try:
        logits = model(image)
    except ReconError as error:
        return f"{model.name} cannot label these images: {error}"
    classes = len(study.data.classes)
    if logits.shape[1] < classes:
        return (
            f"{model.name} must have a logit for each of the data's {classes} classes, got {logits.shape[1]}; evaluate "
            f"it on the data that it is for"
        )
    return ""
