"""The configuration's bans and exceptions as the policy gets them."""

from monitor.config.parse import parse
from monitor.config.policy import configured_standing


def test_a_ban_that_is_not_enabled_has_no_effect_and_stays_in_the_configuration() -> None:
    config = parse("[[ban]]\nvendors = ['x']\nenabled = false\n[[ban]]\nvendors = ['y']\nenabled = true\n", "c.toml")
    assert [str(ban.subjects[0]) for ban in configured_standing(config).bans] == ["y"]
    assert [ban.vendors for ban in config.bans] == [("x",), ("y",)]
