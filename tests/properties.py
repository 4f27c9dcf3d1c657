"""How Hypothesis runs here: as many examples as the run's sizes say, nothing left behind."""

from __future__ import annotations

import atexit
import tempfile

from hypothesis import HealthCheck, configuration, settings
from hypothesis import strategies as st

from tests.sizes import size

_home = tempfile.TemporaryDirectory(prefix="hypothesis-")
atexit.register(_home.cleanup)
configuration.set_hypothesis_home_dir(_home.name)

some = settings(
    max_examples=size("property_examples"),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
small_values = st.none() | st.integers() | st.text(max_size=5) | st.just([]) | st.just({"a": "b"})
few = settings(some, max_examples=max(10, size("property_examples") // 4))

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**63, 2**80)
    | st.floats()
    | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
