"""The protocols by name, in the order in which they are run."""

from recon.evaluation.border import BorderProtocol
from recon.evaluation.cost import CostProtocol
from recon.evaluation.equivariance import EquivarianceProtocol
from recon.evaluation.hard import HardProtocol
from recon.evaluation.layers import LayersProtocol
from recon.evaluation.ood import OutOfDistributionProtocol
from recon.evaluation.physics import PhysicsProtocol
from recon.evaluation.protocol import Protocol
from recon.evaluation.quality import QualityProtocol
from recon.evaluation.stability import StabilityProtocol
from recon.evaluation.study import Study
from recon.evaluation.subpixel import SubpixelProtocol
from recon.evaluation.worst import WorstProtocol

PROTOCOLS: dict[str, type[Protocol[Study]]] = {
    protocol.name: protocol
    for protocol in (
        QualityProtocol,
        EquivarianceProtocol,
        WorstProtocol,
        OutOfDistributionProtocol,
        HardProtocol,
        SubpixelProtocol,
        BorderProtocol,
        PhysicsProtocol,
        StabilityProtocol,
        LayersProtocol,
        CostProtocol,
    )
}
