"""Words that every artefact carries."""

RESEARCH_ONLY = "For research use only. Not for diagnosis or treatment."
MAKER = "recon"
KEY = "recon"  # under which an exported file keeps what it says of itself
