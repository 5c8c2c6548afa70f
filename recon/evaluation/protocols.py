"""The protocols by name, in the order in which they are run."""

from recon.evaluation.equivariance import EquivarianceProtocol
from recon.evaluation.protocol import Protocol
from recon.evaluation.quality import QualityProtocol
from recon.evaluation.worst import WorstProtocol

PROTOCOLS: dict[str, type[Protocol]] = {
    protocol.name: protocol for protocol in (QualityProtocol, EquivarianceProtocol, WorstProtocol)
}
