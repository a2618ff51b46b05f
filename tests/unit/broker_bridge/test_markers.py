"""How the bridge learns that nothing of before is in the broker's queue any more."""

from broker_bridge.markers import LOST_AFTER_S, Markers


def test_a_marker_that_came_back_tells_until_when_the_queue_is_drained() -> None:
    markers = Markers()
    number = markers.next(5.0)
    assert number is not None
    markers.returned(number)
    assert markers.drained_at == 5.0


def test_one_marker_is_on_its_way_at_a_time() -> None:
    markers = Markers()
    markers.next(5.0)
    assert markers.next(6.0) is None
    assert markers.drained_at < 0


def test_a_marker_of_an_earlier_process_says_nothing() -> None:
    markers = Markers()
    markers.next(5.0)
    markers.returned(77)
    assert markers.drained_at < 0


def test_a_broker_that_loses_markers_does_not_hold_up_confirmations_for_ever() -> None:
    markers = Markers()
    markers.next(5.0)
    assert markers.next(5.0 + LOST_AFTER_S) is not None
    assert markers.drained_at == 5.0
