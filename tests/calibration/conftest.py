from tests.cli.conftest import one_thread  # noqa: F401
