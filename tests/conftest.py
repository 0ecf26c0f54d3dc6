from hypothesis import settings

# The first call of a kernel compiles it, and machines for tests are slow and shared.
settings.register_profile("penchant", deadline=None)
settings.load_profile("penchant")
