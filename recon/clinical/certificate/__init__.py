"""The certificate of a model: what was measured of it, judged by tolerances that were stated before."""
