"""The protocols for labels by name, in the order in which they are run."""

from recon.evaluation.cost import CostProtocol
from recon.evaluation.labels.accuracy import AccuracyProtocol
from recon.evaluation.labels.adversary import AdversaryProtocol
from recon.evaluation.labels.consistency import ConsistencyProtocol
from recon.evaluation.labels.crops import CropsProtocol
from recon.evaluation.labels.study import LabelStudy
from recon.evaluation.protocol import Protocol

LABEL_PROTOCOLS: dict[str, type[Protocol[LabelStudy]]] = {
    protocol.name: protocol
    for protocol in (AccuracyProtocol, ConsistencyProtocol, CropsProtocol, AdversaryProtocol, CostProtocol)
}
