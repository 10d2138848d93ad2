from flexrl.serving.limits import MAX_REMEMBERED, MAX_TEXT, Rates, cleaned, why_too_long


def test_control_characters_become_spaces_and_words_stay():
    assert cleaned("walk\x00 \x1b[31mforward\n\t3 \u202em\ud800") == "walk [31mforward 3 m?"
    assert cleaned("geh vorwärts 前へ") == "geh vorwärts 前へ"


def test_a_text_is_too_long_from_one_character_above_the_limit_on():
    assert why_too_long("x" * MAX_TEXT) is None
    assert why_too_long("x" * 5000) == f"text: 5000 characters are too many; say it in at most {MAX_TEXT}"


def test_a_burst_is_served_and_then_the_rate():
    rates = Rates(rate=2.0, burst=3)
    assert [rates.take("a", now=10.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert rates.take("b", now=10.0) == 0  # of its own
    assert rates.take("a", now=10.25) == 0.25
    assert rates.take("a", now=10.5) == 0
    assert rates.take("a", now=10.5) == 0.5
    assert [rates.take("a", now=100.0) for _ in range(4)] == [0, 0, 0, 0.5]  # never more than the burst


def test_only_so_many_addresses_are_remembered():
    rates = Rates(rate=1.0, burst=1)
    for i in range(MAX_REMEMBERED + 5):
        rates.take(str(i), now=0.0)
    assert rates.take("0", now=0.0) == 0 and rates.take(str(MAX_REMEMBERED), now=0.0) > 0
