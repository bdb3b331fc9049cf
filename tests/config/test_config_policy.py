"""The configuration's bans and exceptions as the policy gets them."""

from monitor.catalog.builder import IndexBuilder
from monitor.catalog.index import Index
from monitor.config.parse import parse
from monitor.config.policy import configured_standing


def test_a_ban_that_is_not_enabled_has_no_effect_and_stays_in_the_configuration() -> None:
    config = parse("[[ban]]\nvendors = ['x']\nenabled = false\n[[ban]]\nvendors = ['y']\nenabled = true\n", "c.toml")
    index = Index.load(IndexBuilder().build())
    assert [str(ban.subjects[0]) for ban in configured_standing(config, index).bans] == ["y"]
    assert [(str(*ban.subjects), ban.enabled) for ban in config.bans] == [("x", False), ("y", True)]
