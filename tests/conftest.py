"""Property tests are deterministic and have no clock: the same examples every time, on machines of any speed."""

from hypothesis import settings

settings.register_profile("rasolve", deadline=None, derandomize=True)
settings.load_profile("rasolve")
